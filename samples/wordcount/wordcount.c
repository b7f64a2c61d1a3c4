/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A function that counts words: text on standard input, one line "WORD COUNT"
 * for each word on standard output, the most frequent first, those of equal
 * count in the order of their bytes.  A word is what stands between white
 * space.  More than TEXT_MAX bytes are refused with exit status 1.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define TEXT_MAX  (16 * 1024 * 1024)    /* bytes */
#define SPACE     " \t\r\n\v\f"


struct word {
    char    *text;
    size_t   len;
    size_t   count;
};


static char *read_text(size_t *len);
static struct word *split(char *text, size_t len, size_t *n);
static size_t merge(struct word *words, size_t n);
static int print(const struct word *words, size_t n);
static int by_text(const void *one, const void *two);
static int by_count(const void *one, const void *two);


int
main(void)
{
    int           rc;
    char         *text;
    size_t        len, n;
    struct word  *words;

    rc = EXIT_FAILURE;
    words = NULL;

    text = read_text(&len);
    if (text == NULL) {
        goto out;
    }

    words = split(text, len, &n);
    if (words == NULL) {
        fprintf(stderr, "wordcount: out of memory\n");
        goto out;
    }

    qsort(words, n, sizeof(words[0]), by_text);
    n = merge(words, n);
    qsort(words, n, sizeof(words[0]), by_count);

    if (print(words, n) == 0) {
        rc = EXIT_SUCCESS;
    }

out:

    free(words);
    free(text);

    return rc;
}


static char *
read_text(size_t *len)
{
    char    *text;
    size_t   n;

    /* pages that are not touched cost nothing */

    text = malloc(TEXT_MAX + 1);
    if (text == NULL) {
        fprintf(stderr, "wordcount: out of memory\n");
        return NULL;
    }

    n = fread(text, 1, TEXT_MAX + 1, stdin);

    if (ferror(stdin)) {
        perror("wordcount: cannot read the text");
        free(text);
        return NULL;
    }

    if (n > TEXT_MAX) {
        fprintf(stderr, "wordcount: more than %d bytes of text\n", TEXT_MAX);
        free(text);
        return NULL;
    }

    *len = n;

    return text;
}


static struct word *
split(char *text, size_t len, size_t *n)
{
    int           is_space, in_word;
    size_t        i, found;
    struct word  *words;

    /* every other byte begins a word at most */

    words = malloc((len / 2 + 1) * sizeof(words[0]));
    if (words == NULL) {
        return NULL;
    }

    found = 0;
    in_word = 0;

    for (i = 0; i < len; i++) {
        is_space = memchr(SPACE, text[i], sizeof(SPACE) - 1) != NULL;

        if (is_space) {
            in_word = 0;
            continue;
        }

        if (!in_word) {
            words[found].text = text + i;
            words[found].len = 0;
            words[found].count = 1;
            found++;
            in_word = 1;
        }

        words[found - 1].len++;
    }

    *n = found;

    return words;
}


/*
 * Makes one of equal words that follow one another; returns how many are
 * left.
 */
static size_t
merge(struct word *words, size_t n)
{
    size_t  i, last;

    if (n == 0) {
        return 0;
    }

    last = 0;

    for (i = 1; i < n; i++) {
        if (by_text(&words[last], &words[i]) == 0) {
            words[last].count++;

        } else {
            words[++last] = words[i];
        }
    }

    return last + 1;
}


static int
print(const struct word *words, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        fwrite(words[i].text, 1, words[i].len, stdout);
        printf(" %zu\n", words[i].count);
    }

    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("wordcount: cannot write");
        return -1;
    }

    return 0;
}


static int
by_text(const void *one, const void *two)
{
    int                 rc;
    const struct word  *a, *b;

    a = one;
    b = two;

    rc = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);

    return rc != 0 ? rc : (a->len > b->len) - (a->len < b->len);
}


static int
by_count(const void *one, const void *two)
{
    const struct word  *a, *b;

    a = one;
    b = two;

    if (a->count != b->count) {
        return a->count < b->count ? 1 : -1;
    }

    return by_text(one, two);
}
