// SPDX-License-Identifier: Apache-2.0
#include "log.h"
#include <stdarg.h>

int verbose;

struct line {
    char text[512];
    unsigned length;
};

static void put(struct line *line, char c)
{
    if (line->length < sizeof line->text - 1) /* room for the newline */
        line->text[line->length++] = c;
}

/* Control characters of foreign strings would let them write into the terminal. */
static void put_string(struct line *line, const char *text)
{
    for (; *text != 0; text++)
        put(line, (uint8_t)*text < 0x20 || *text == 0x7f ? '?' : *text);
}

static void put_number(struct line *line, unsigned long value, unsigned base)
{
    char digits[24];
    unsigned count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    while (count > 0)
        put(line, digits[--count]);
}

static void put_signed(struct line *line, int value)
{
    if (value < 0)
        put(line, '-');
    put_number(line, value < 0 ? -(unsigned long)value : (unsigned long)value, 10);
}

static void format_line(struct line *line, const char *format, va_list values)
{
    for (; *format != 0; format++) {
        if (*format != '%') {
            put(line, *format);
            continue;
        }
        int is_long = *++format == 'l';
        if (is_long)
            format++;
        if (*format == 's')
            put_string(line, va_arg(values, const char *));
        else if (*format == 'd')
            put_signed(line, va_arg(values, int));
        else if (is_long)
            put_number(line, va_arg(values, unsigned long), *format == 'x' ? 16 : 10);
        else
            put_number(line, va_arg(values, unsigned), *format == 'x' ? 16 : 10);
    }
}

static void print(const char *format, va_list values)
{
    struct line line = {.length = 0};
    put_string(&line, "sgxsim: ");
    format_line(&line, format, values);
    line.text[line.length++] = '\n';
    call(__NR_write, 2, line.text, line.length);
}

void note(const char *format, ...)
{
    if (!verbose)
        return;
    va_list values;
    va_start(values, format);
    print(format, values);
    va_end(values);
}

void complain(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    print(format, values);
    va_end(values);
}

void give_up(int status, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    print(format, values);
    va_end(values);
    quit(status);
}

void quit(int status)
{
    for (;;)
        call(__NR_exit_group, status);
}
