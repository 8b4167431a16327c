// SPDX-License-Identifier: Apache-2.0
/* Records against the vectors that the TypeScript side reads too: tests/vectors/records.txt. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#define LINE_MAX_ 4096

/* Where the tests are started is the repository's root; or native/, by hand. */
static FILE *open_vectors(void)
{
    FILE *file = fopen("tests/vectors/records.txt", "r");
    return file != NULL ? file : fopen("../tests/vectors/records.txt", "r");
}

static size_t digits_of(const char *hex)
{
    return strcmp(hex, "-") == 0 ? 0 : strlen(hex);
}

/* "s=6869": writes the argument. */
static void write_argument(struct writer *w, char *token)
{
    char *value = token + 2;
    if (token[0] == 'u')
        write_u32(w, (uint32_t)strtoul(value, NULL, 10));
    else if (token[0] == 'q')
        write_u64(w, strtoull(value, NULL, 10));
    else if (token[0] == 'b' || token[0] == 's') {
        size_t digits = digits_of(value);
        uint8_t *bytes = from_hex(value, digits);
        if (token[0] == 'b') {
            write_bytes(w, bytes, (uint32_t)(digits / 2));
        } else {
            char *text = strndup((char *)bytes, digits / 2);
            write_string(w, text);
            free(text);
        }
        free(bytes);
    } else {
        char *strings[16] = {0}, *save = NULL;
        size_t count = 0;
        for (char *item = strtok_r(value, ",", &save); item != NULL && strcmp(item, ".") != 0;
             item = strtok_r(NULL, ",", &save)) {
            uint8_t *bytes = from_hex(item, digits_of(item));
            strings[count++] = strndup((char *)bytes, digits_of(item) / 2);
            free(bytes);
        }
        write_list(w, (const char *const *)strings);
        for (size_t i = 0; i < count; i++)
            free(strings[i]);
    }
}

/* Reads arguments of the types in `types` and writes them again with `w`. */
static void copy_arguments(struct reader *r, const char *types, struct writer *w)
{
    for (; *types != 0; types++) {
        if (*types == 'u') {
            write_u32(w, read_u32(r));
        } else if (*types == 'q') {
            write_u64(w, read_u64(r));
        } else if (*types == 's') {
            write_string(w, read_string(r, NULL));
        } else if (*types == 'b') {
            uint32_t size;
            const uint8_t *bytes = read_bytes(r, &size);
            write_bytes(w, bytes, size);
        } else {
            char **list = read_list(r);
            if (list != NULL)
                write_list(w, (const char *const *)list);
            free(list);
        }
    }
}

static void test_good(char *line)
{
    char *save = NULL, *name = strtok_r(line, " ", &save), *hex = strtok_r(NULL, " ", &save);
    uint16_t code = (uint16_t)atoi(strtok_r(NULL, " ", &save));
    uint16_t flags = (uint16_t)atoi(strtok_r(NULL, " ", &save));
    size_t size = digits_of(hex) / 2, count = 0;
    uint8_t buffer[LINE_MAX_], *bytes = from_hex(hex, digits_of(hex));
    char types[16] = {0};
    struct writer w;
    write_begin(&w, buffer, sizeof(buffer), code, flags);
    for (char *token; (token = strtok_r(NULL, " ", &save)) != NULL;) {
        types[count++] = token[0];
        write_argument(&w, token);
    }
    size_t written = write_end(&w);
    ok(written == size && memcmp(buffer, bytes, size) == 0, "%s is written", name);

    struct reader all = {bytes, bytes + size, false};
    struct record record;
    bool read = record_next(&all, &record) && record.code == code && record.flags == flags;
    write_begin(&w, buffer, sizeof(buffer), code, flags);
    if (read)
        copy_arguments(&record.payload, types, &w);
    ok(read && reader_done(&record.payload) && all.at == all.end, "%s is read to its end", name);
    ok(write_end(&w) == size && memcmp(buffer, bytes, size) == 0, "%s is read as it is", name);

    bool refused = true;
    for (size_t room = 0; room < size; room++) {
        uint8_t *small = malloc(room + 1);
        write_begin(&w, small, room, code, flags);
        struct reader again = {bytes, bytes + size, false};
        record_next(&again, &record);
        copy_arguments(&record.payload, types, &w);
        refused = refused && write_end(&w) == 0;
        free(small);
    }
    ok(refused, "%s does not fit into less", name);
    free(bytes);
}

static void test_bad(char *line)
{
    char *save = NULL, *name = strtok_r(line, " ", &save), *hex = strtok_r(NULL, " ", &save);
    char *types = strtok_r(NULL, " ", &save);
    size_t size = digits_of(hex) / 2;
    uint8_t buffer[LINE_MAX_], *bytes = from_hex(hex, digits_of(hex));
    struct reader all = {bytes, bytes + size, false};
    struct record record;
    struct writer w;
    bool good = record_next(&all, &record) && all.at == all.end;
    if (good) {
        write_begin(&w, buffer, sizeof(buffer), 0, 0);
        copy_arguments(&record.payload, strcmp(types, ".") == 0 ? "" : types, &w);
        good = reader_done(&record.payload);
    }
    ok(!good, "%s is refused", name);
    free(bytes);
}

static void test_failed_reader_stays_failed(void)
{
    const uint8_t bytes[] = {1, 0, 0, 0, 2, 0};
    struct reader r = {bytes, bytes + sizeof(bytes), false};
    uint32_t size = 7;
    bool first = read_u32(&r) == 1 && !r.bad;
    bool rest = read_u32(&r) == 0 && r.bad && read_u64(&r) == 0 && read_string(&r, &size)[0] == 0 &&
                size == 0 && read_bytes(&r, &size) == NULL && read_list(&r) == NULL &&
                !reader_done(&r);
    ok(first && rest, "a reader that failed gives nothing more");
}

static void test_limits(void)
{
    size_t size = RECORD_STRING_MAX + 2;
    char *text = malloc(size);
    uint8_t *buffer = malloc(2 * size);
    struct writer w;
    memset(text, 'a', size);
    text[size - 1] = 0;
    write_begin(&w, buffer, 2 * size, 1, 0);
    write_string(&w, text);
    ok(write_end(&w) == 0, "a string beyond the limit is not written");
    text[size - 2] = 0;
    write_begin(&w, buffer, 2 * size, 1, 0);
    write_string(&w, text);
    size_t written = write_end(&w);
    struct reader all = {buffer, buffer + written, false};
    struct record record;
    ok(written > 0 && record_next(&all, &record) &&
           strlen(read_string(&record.payload, NULL)) == RECORD_STRING_MAX,
       "a string at the limit is written and read");
    free(text);
    free(buffer);
}

int main(void)
{
    char line[LINE_MAX_];
    FILE *file = open_vectors();
    if (!ok(file != NULL, "tests/vectors/records.txt is there"))
        return tap_done();
    while (fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = 0;
        if (strncmp(line, "ok ", 3) == 0)
            test_good(line + 3);
        else if (strncmp(line, "bad ", 4) == 0)
            test_bad(line + 4);
    }
    fclose(file);
    test_failed_reader_stays_failed();
    test_limits();
    return tap_done();
}
