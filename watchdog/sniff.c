/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The type of an answer by its first bytes: the part of the WHATWG's "MIME
 * Sniffing" that Go's server applies, which the classic watchdog uses.
 */

#include <string.h>
#include <strings.h>

#include "fork.h"


#define SNIFF_MAX  512          /* bytes looked at */


struct magic {
    const char  *type;
    const char  *bytes;
    size_t       len;
};


static int is_tag(const char *data, size_t len, const char *tag);
static int is_text(const char *data, size_t len);


#define MAGIC(type, bytes)  { type, bytes, sizeof(bytes) - 1 }

static const struct magic  magics[] = {
    MAGIC("application/pdf", "%PDF-"),
    MAGIC("application/postscript", "%!PS-Adobe-"),
    MAGIC("text/plain; charset=utf-16be", "\xFE\xFF"),
    MAGIC("text/plain; charset=utf-16le", "\xFF\xFE"),
    MAGIC("text/plain; charset=utf-8", "\xEF\xBB\xBF"),
    MAGIC("image/bmp", "BM"),
    MAGIC("image/gif", "GIF87a"),
    MAGIC("image/gif", "GIF89a"),
    MAGIC("image/png", "\x89PNG\r\n\x1A\n"),
    MAGIC("image/jpeg", "\xFF\xD8\xFF"),
    MAGIC("audio/mpeg", "ID3"),
    MAGIC("application/ogg", "OggS\0"),
    MAGIC("video/webm", "\x1A\x45\xDF\xA3"),
    MAGIC("font/ttf", "\0\1\0\0"),
    MAGIC("font/otf", "OTTO"),
    MAGIC("font/woff", "wOFF"),
    MAGIC("font/woff2", "wOF2"),
    MAGIC("application/x-gzip", "\x1F\x8B\x08"),
    MAGIC("application/zip", "PK\3\4"),
    MAGIC("application/wasm", "\0asm"),
};

static const char *const  tags[] = {
    "<!DOCTYPE HTML", "<HTML", "<HEAD", "<SCRIPT", "<IFRAME", "<H1", "<DIV",
    "<FONT", "<TABLE", "<A", "<STYLE", "<TITLE", "<B", "<BODY", "<BR", "<P",
    "<!--"
};


const char *
wd_sniff(const char *data, size_t len)
{
    size_t       i;

    if (len > SNIFF_MAX) {
        len = SNIFF_MAX;
    }

    for (i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
        if (len >= magics[i].len
            && memcmp(data, magics[i].bytes, magics[i].len) == 0)
        {
            return magics[i].type;
        }
    }

    if (!is_text(data, len)) {
        return "application/octet-stream";
    }

    while (len != 0 && (*data == ' ' || (*data >= '\t' && *data <= '\r'
                                        && *data != '\v')))
    {
        data++;
        len--;
    }

    for (i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        if (is_tag(data, len, tags[i])) {
            return "text/html; charset=utf-8";
        }
    }

    if (len >= 5 && memcmp(data, "<?xml", 5) == 0) {
        return "text/xml; charset=utf-8";
    }

    return "text/plain; charset=utf-8";
}


static int
is_tag(const char *data, size_t len, const char *tag)
{
    size_t  n;

    n = strlen(tag);

    return len > n && strncasecmp(data, tag, n) == 0
           && (data[n] == ' ' || data[n] == '>' || tag[n - 1] == '-');
}


static int
is_text(const char *data, size_t len)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < len; i++) {
        c = (unsigned char) data[i];

        if (c < ' ' && (c < '\t' || c > '\r' || c == '\v') && c != '\x1B') {
            return 0;
        }
    }

    return 1;
}
