/* SPDX-License-Identifier: MIT */
/* Failures with words, and the words of an errno. */
#include "error.h"

#include <uv.h>

int error_set(struct error *err, int code, const char *format, ...) {
    if (err != NULL) {
        va_list args;
        err->code = code;
        va_start(args, format);
        (void)vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
    }
    return code;
}

int error_wrap(struct error *err, const char *format, ...) {
    char inner[ERROR_TEXT_MAX];
    va_list args;
    int len;
    if (err == NULL) {
        return 0;
    }
    memcpy(inner, err->text, sizeof inner);
    va_start(args, format);
    len = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    if (len >= 0 && (size_t)len + sizeof ": " < sizeof err->text) {
        size_t room = sizeof err->text - (size_t)len - 2; /* the NUL included */
        size_t take = strnlen(inner, room - 1);
        memcpy(err->text + len, ": ", 2);
        memcpy(err->text + len + 2, inner, take);
        err->text[(size_t)len + 2 + take] = '\0';
    }
    return err->code;
}

const char *error_text(int code) {
    static char text[128];
    return code == 0 ? "no error" : uv_strerror_r(code, text, sizeof text);
}
