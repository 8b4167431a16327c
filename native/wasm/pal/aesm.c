// SPDX-License-Identifier: Apache-2.0
#include "aesm.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "skeleton/output.h"

static const char socket_path[] = "/var/run/aesmd/aesm.socket";

enum { TARGETINFO_SIZE = 512, REPORT_SIZE = 432, KEY_ID_SIZE = 256, TIMEOUT_S = 30 };
enum { REQUEST_SIZE_MAX = 4096, REPLY_SIZE_MAX = SHARED_DATA_SIZE };
enum { INIT_QUOTE_EX = 15, GET_QUOTE_SIZE_EX = 16, GET_QUOTE_EX = 17, SELECT_KEY = 19 };
enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };
enum { KEY_NOT_MADE = 42 };

/* A message being written. Sizes are ours and fit. */
struct writer {
    uint8_t bytes[REQUEST_SIZE_MAX];
    size_t size;
};

/* A field that was read. */
struct field {
    uint32_t number;
    uint64_t value;
    const uint8_t *bytes;
    size_t size;
};

struct reader {
    const uint8_t *at, *end;
};

static uint8_t key_id[KEY_ID_SIZE];
static bool has_key;
static uint8_t reply[REPLY_SIZE_MAX];

static int init_key(uint8_t targetinfo[TARGETINFO_SIZE]);
static int call(uint32_t number, const struct writer *message, struct reader *answer);
static void put_number(struct writer *writer, uint32_t field, uint64_t value);
static void put_bytes(struct writer *writer, uint32_t field, const uint8_t *bytes, size_t size);
static bool find(struct reader reader, uint32_t number, struct field *field);

int64_t aesm_quote_target(struct shared *shared)
{
    uint8_t targetinfo[TARGETINFO_SIZE];
    int result = init_key(targetinfo);
    if (result == 0)
        memcpy(shared->data, targetinfo, sizeof(targetinfo));
    return result;
}

int64_t aesm_quote(struct shared *shared)
{
    struct reader answer;
    struct field field;
    if (!has_key)
        return -EINVAL;
    struct writer ask_size = {.size = 0};
    put_bytes(&ask_size, 1, key_id, sizeof(key_id));
    int result = call(GET_QUOTE_SIZE_EX, &ask_size, &answer);
    if (result < 0)
        return result;
    if (!find(answer, 2, &field) || field.value == 0 || field.value > SHARED_DATA_SIZE / 2)
        return -EBADMSG;
    uint64_t size = field.value;
    struct writer ask = {.size = 0};
    put_bytes(&ask, 1, shared->data, REPORT_SIZE);
    put_bytes(&ask, 2, key_id, sizeof(key_id));
    put_number(&ask, 4, size);
    result = call(GET_QUOTE_EX, &ask, &answer);
    if (result < 0)
        return result;
    if (!find(answer, 2, &field) || field.size != size)
        return -EBADMSG;
    memcpy(shared->data, field.bytes, size);
    return (int64_t)size;
}

/* The key the service wants, made or loaded by it, and its quoting enclave's TARGETINFO. */
static int init_key(uint8_t targetinfo[TARGETINFO_SIZE])
{
    struct reader answer;
    struct field field;
    struct writer select = {.size = 0}, ask_size = {.size = 0}, ask = {.size = 0};
    int result = call(SELECT_KEY, &select, &answer);
    if (result < 0)
        return result;
    if (!find(answer, 2, &field) || field.size != KEY_ID_SIZE)
        return -EBADMSG;
    memcpy(key_id, field.bytes, KEY_ID_SIZE);
    put_bytes(&ask_size, 1, key_id, sizeof(key_id));
    put_number(&ask_size, 3, 0);
    result = call(INIT_QUOTE_EX, &ask_size, &answer);
    if (result < 0)
        return result;
    if (!find(answer, 3, &field))
        return -EBADMSG;
    put_bytes(&ask, 1, key_id, sizeof(key_id));
    put_number(&ask, 3, 1);
    put_number(&ask, 4, field.value);
    result = call(INIT_QUOTE_EX, &ask, &answer);
    if (result < 0)
        return result;
    if (!find(answer, 2, &field) || field.size != TARGETINFO_SIZE)
        return -EBADMSG;
    memcpy(targetinfo, field.bytes, TARGETINFO_SIZE);
    has_key = true;
    return 0;
}

static bool read_all(int fd, uint8_t *to, size_t size)
{
    while (size > 0) {
        ssize_t got = recv(fd, to, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        to += got;
        size -= (size_t)got;
    }
    return true;
}

static int open_socket(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, socket_path, sizeof(socket_path));
    const struct timeval timeout = {.tv_sec = TIMEOUT_S};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    int error = errno;
    output_log(LOG_ERROR, "connect to AESM at `%s`: %s", socket_path, strerror(error));
    close(fd);
    return -error;
}

/* One request, one reply, one connection. */
static int call(uint32_t number, const struct writer *message, struct reader *answer)
{
    struct writer request = {.size = 4};
    put_bytes(&request, number, message->bytes, message->size);
    uint32_t size = (uint32_t)request.size - 4;
    memcpy(request.bytes, &size, sizeof(size));
    int fd = open_socket();
    if (fd < 0)
        return fd;
    bool ok = send(fd, request.bytes, request.size, MSG_NOSIGNAL) == (ssize_t)request.size &&
              read_all(fd, (uint8_t *)&size, sizeof(size)) && size <= sizeof(reply) &&
              read_all(fd, reply, size);
    close(fd);
    struct field inner, error;
    if (!ok || !find((struct reader){reply, reply + size}, number, &inner)) {
        output_log(LOG_ERROR, "AESM does not answer request %u", number);
        return -EBADMSG;
    }
    *answer = (struct reader){inner.bytes, inner.bytes + inner.size};
    if (!find(*answer, 1, &error))
        return -EBADMSG;
    if (error.value == 0)
        return 0;
    output_log(LOG_ERROR, "AESM refuses request %u with error %llu", number,
               (unsigned long long)error.value);
    return error.value == KEY_NOT_MADE ? -ENOKEY : -EACCES;
}

static void put_varint(struct writer *writer, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        writer->bytes[writer->size++] = (uint8_t)(value | 0x80);
    writer->bytes[writer->size++] = (uint8_t)value;
}

static void put_number(struct writer *writer, uint32_t field, uint64_t value)
{
    put_varint(writer, (uint64_t)field << 3 | WIRE_VARINT);
    put_varint(writer, value);
}

static void put_bytes(struct writer *writer, uint32_t field, const uint8_t *bytes, size_t size)
{
    put_varint(writer, (uint64_t)field << 3 | WIRE_BYTES);
    put_varint(writer, size);
    memcpy(writer->bytes + writer->size, bytes, size);
    writer->size += size;
}

static bool get_varint(struct reader *reader, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
        uint8_t byte = *reader->at++;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

static bool next(struct reader *reader, struct field *field)
{
    uint64_t tag;
    *field = (struct field){0};
    if (!get_varint(reader, &tag))
        return false;
    field->number = (uint32_t)(tag >> 3);
    switch (tag & 7) {
    case WIRE_VARINT:
        return get_varint(reader, &field->value);
    case WIRE_BYTES:
        if (!get_varint(reader, &tag) || tag > (uint64_t)(reader->end - reader->at))
            return false;
        field->size = tag;
        break;
    case WIRE_FIXED64:
        field->size = 8;
        break;
    case WIRE_FIXED32:
        field->size = 4;
        break;
    default:
        return false;
    }
    if (field->size > (size_t)(reader->end - reader->at))
        return false;
    field->bytes = reader->at;
    reader->at += field->size;
    return true;
}

static bool find(struct reader reader, uint32_t number, struct field *field)
{
    while (next(&reader, field)) {
        if (field->number == number)
            return true;
    }
    return false;
}
