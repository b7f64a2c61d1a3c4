/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, functions' logs fill the disk, lose lines that there is room
 * for, or are read out of order.
 *
 * uses: scaler/disk.c scaler/flog.c scaler/flog_file.c scaler/log_line.c
 * uses: scaler/log_merge.c scaler/log_source.c
 */

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "scaler/disk.h"
#include "scaler/flog.h"
#include "scaler/log_merge.h"


#define MAX      65536
#define EPOCH    1700000000
#define NSEC     1000000000ULL
#define READ_MAX 4096           /* lines of a log in this test */


/* what somebody read: the numbers of the lines, in order */
struct reading {
    int       n;
    int       numbers[READ_MAX];
    size_t    turns;
};

static char               dir[64];
static struct flog_store  store;
static struct flog        flog;
static int                n_appended;


static int
set_up(void **state)
{
    char  path[128];

    (void) state;

    (void) snprintf(dir, sizeof(dir), "/tmp/flog.XXXXXX");
    assert_non_null(mkdtemp(dir));
    (void) snprintf(path, sizeof(path), "%s/logs", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    (void) snprintf(path, sizeof(path), "%s/functions", dir);
    assert_int_equal(mkdir(path, 0700), 0);

    flog_store_init(&store, dir, MAX);
    flog_init(&flog, &store, "fn.ns");
    n_appended = 0;

    return 0;
}


static int
tear_down(void **state)
{
    (void) state;

    flog_done(&flog);

    return disk_remove_tree(dir);
}


/*
 * A line that begins with its number and has len bytes of text; of a time in
 * seconds after EPOCH.
 */
static void
put_line(const char *id, int time, int number, int len)
{
    char             line[FLOG_STORED_MAX + 1];
    size_t           n;
    struct timespec  when = { EPOCH + time, 0 };

    log_stamp(&when, line);
    n = LOG_STAMP_LEN;
    n += (size_t) snprintf(line + n, sizeof(line) - n, " %s %-*d\n", id, len,
                           number);
    assert_true(n < sizeof(line));

    flog_append(&flog, id, line, n);
}


/*
 * All that there is now, in turns.
 */
static void
take(struct log_merge *merge, struct reading *reading)
{
    char             text[16];
    size_t           len;
    struct log_line  line;
    enum log_result  rc;

    do {
        assert_int_equal(log_merge_turn(merge), 0);
        reading->turns++;

        while ((rc = log_merge_next(merge, &line)) == LOG_LINE) {
            len = line.text_len < sizeof(text) - 1 ? line.text_len
                                                   : sizeof(text) - 1;
            memcpy(text, line.text, len);
            text[len] = '\0';

            assert_true(reading->n < READ_MAX);
            reading->numbers[reading->n++] = (int) strtol(text, NULL, 10);
        }

    } while (rc == LOG_LATER || log_merge_is_behind(merge));

    assert_int_equal(rc, LOG_END);
}


static const struct reading *
read_log(uint64_t tail, int since, const char *instance)
{
    struct log_query       query;
    struct log_merge       merge;

    static struct reading  reading;

    memset(&reading, 0, sizeof(reading));
    memset(&query, 0, sizeof(query));
    query.tail = tail;
    query.since = since != 0 ? (uint64_t) (EPOCH + since) * NSEC : 0;
    (void) snprintf(query.instance, sizeof(query.instance), "%s", instance);

    assert_int_equal(log_merge_init(&merge, &flog, &query), 0);
    take(&merge, &reading);
    log_merge_done(&merge);

    return &reading;
}


static void
reads(const struct reading *reading, int first, int last)
{
    int  i;

    assert_int_equal(reading->n, last - first + 1);

    for (i = 0; i < reading->n; i++) {
        assert_int_equal(reading->numbers[i], first + i);
    }
}


/*
 * Bytes of a file; -1 where there is none.
 */
static long
size_of(const char *name)
{
    char         path[256];
    struct stat  st;

    (void) snprintf(path, sizeof(path), "%s/logs/fn.ns/%s", dir, name);

    return stat(path, &st) == 0 ? (long) st.st_size : -1;
}


static void
on_appended(void *arg)
{
    (void) arg;

    n_appended++;
}


static void
on_closing(void *arg)
{
    flog_unwatch(&flog, arg);
}


static void
a_file_has_its_share(void **state)
{
    int                    i;
    const struct reading  *reading;

    (void) state;

    assert_int_equal(size_of("fn-1.log"), -1);

    for (i = 0; i < 1000; i++) {
        put_line("fn-1", i, i, 100);
        assert_true(flog.size <= MAX);
        assert_true(size_of("fn-1.log") <= MAX / 2);
    }

    assert_true(size_of("fn-1.log.1") <= MAX / 2);
    assert_true(size_of("fn-1.log.1") > MAX / 2 - 200);

    reading = read_log(0, 0, "");
    assert_true(reading->n > MAX / 2 / 140);
    reads(reading, 1000 - reading->n, 999);
}


static void
all_files_have_a_bound(void **state)
{
    int       i, k;
    char      id[16], name[32];
    long      sum;

    (void) state;

    /* the first alone has half of the bound, then there are ten */

    for (i = 0; i < 300; i++) {
        put_line("fn-0", i, i, 100);
    }

    for (i = 300; i < 3000; i++) {
        (void) snprintf(id, sizeof(id), "fn-%d", i % 10);
        put_line(id, i, i, 100);
        assert_true(flog.size <= MAX);
    }

    sum = 0;

    for (i = 0; i < 10; i++) {
        for (k = 0; k < 2; k++) {
            (void) snprintf(name, sizeof(name), "fn-%d.log%s", i,
                            k == 0 ? "" : ".1");
            sum += size_of(name) > 0 ? size_of(name) : 0;
        }

        (void) snprintf(name, sizeof(name), "fn-%d.log", i);
        assert_true(size_of(name) > 0);
        assert_true(size_of(name) <= MAX / 20 + 200);
    }

    assert_int_equal((uint64_t) sum, flog.size);
}


static void
lines_as_long_as_the_bound_keep_it(void **state)
{
    int   i;
    char  id[16];

    (void) state;

    for (i = 0; i < 200; i++) {
        (void) snprintf(id, sizeof(id), "fn-%d", i % 50);
        put_line(id, i, i, FLOG_LINE_MAX);
        assert_true(flog.size <= MAX);
    }

    reads(read_log(0, 0, ""), 193, 199);
}


static void
files_of_replicas_that_are_gone_are_counted(void **state)
{
    int   i;
    char  id[16], name[32];

    (void) state;

    for (i = 0; i < FLOG_GONE_MAX + 10; i++) {
        (void) snprintf(id, sizeof(id), "fn-%d", i);
        put_line(id, i, i, 10);
        flog_forget(&flog, id);
    }

    put_line("live", i, i, 10);

    for (i = 0; i < FLOG_GONE_MAX + 10; i++) {
        (void) snprintf(name, sizeof(name), "fn-%d.log", i);
        assert_int_equal(size_of(name) > 0, i >= 10);
    }

    reads(read_log(0, 0, ""), 10, FLOG_GONE_MAX + 10);
}


static void
a_new_scaler_reads_what_there_was(void **state)
{
    int       i;
    uint64_t  size;

    (void) state;

    for (i = 300; i < 600; i++) {
        put_line(i % 3 == 0 ? "fn-1" : "fn-2", i, i, 100);
    }

    size = flog.size;
    flog_done(&flog);
    flog_init(&flog, &store, "fn.ns");
    flog_load(&flog);
    assert_int_equal(flog.size, size);

    reads(read_log(0, 0, ""), 300, 599);

    put_line("fn-3", 600, 600, 100);
    reads(read_log(10, 0, ""), 591, 600);

    /* the bound may be another one now */

    flog_done(&flog);
    flog_init(&flog, &store, "fn.ns");
    store.max = 3000;
    flog_load(&flog);
    flog_trim(&flog);
    assert_true(flog.size <= 3000);
    reads(read_log(0, 0, ""), 600, 600);
}


static void
a_replica_that_is_taken_over_goes_on(void **state)
{
    int   i;
    char  id[16];

    (void) state;

    for (i = 0; i < FLOG_GONE_MAX + 10; i++) {
        (void) snprintf(id, sizeof(id), "fn-%d", i);
        put_line(id, i, i, 10);
    }

    flog_done(&flog);
    flog_init(&flog, &store, "fn.ns");
    flog_load(&flog);
    flog_adopt(&flog, "fn-0");
    flog_trim(&flog);

    assert_true(size_of("fn-0.log") > 0);
    assert_int_equal(size_of("fn-1.log"), -1);
    put_line("fn-0", 100, 100, 10);
    assert_int_equal(read_log(0, 0, "fn-0")->n, 2);
    assert_int_equal(read_log(0, 0, "")->n, FLOG_GONE_MAX + 2);
}


static void
half_a_line_is_read_at_the_end(void **state)
{
    char   path[256];
    FILE  *file;

    (void) state;

    put_line("fn-1", 1, 1, 10);
    put_line("fn-1", 2, 2, 10);
    flog_done(&flog);

    (void) snprintf(path, sizeof(path), "%s/logs/fn.ns/fn-1.log", dir);
    file = fopen(path, "a");
    assert_non_null(file);
    assert_true(fputs("no line of ours\n2023-11-14T22:13:23.000000000Z fn-1 3",
                      file) > 0);
    assert_int_equal(fclose(file), 0);

    flog_init(&flog, &store, "fn.ns");
    flog_load(&flog);
    reads(read_log(0, 0, ""), 1, 3);
    reads(read_log(2, 0, ""), 2, 3);

    /* nor is what comes next a part of it */

    flog_adopt(&flog, "fn-1");
    put_line("fn-1", 4, 4, 10);
    reads(read_log(0, 0, ""), 1, 4);
}


static void
a_file_that_is_no_log_is_read_in_pieces(void **state)
{
    int    i;
    char   path[256];
    FILE  *file;

    (void) state;

    put_line("fn-1", 1, 1, 10);
    flog_done(&flog);

    (void) snprintf(path, sizeof(path), "%s/logs/fn.ns/fn-1.log", dir);
    file = fopen(path, "a");
    assert_non_null(file);

    for (i = 0; i < MAX / 2; i++) {
        assert_int_equal(fputc('x', file), 'x');
    }

    assert_true(fputs("\n2023-11-14T22:13:23.000000000Z fn-1 2\n", file) > 0);
    assert_int_equal(fclose(file), 0);

    flog_init(&flog, &store, "fn.ns");
    flog_load(&flog);
    reads(read_log(0, 0, ""), 1, 2);
    reads(read_log(2, 0, ""), 1, 2);
    reads(read_log(1, 0, ""), 2, 2);
}


static void
lines_are_in_order_of_time(void **state)
{
    int   i;
    char  id[16];

    (void) state;

    /* of forty files, some read to their end long before others */

    for (i = 0; i < 500; i++) {
        (void) snprintf(id, sizeof(id), "fn-%d", (i * i + i / 7) % 40);
        put_line(id, i, i, 20);
    }

    reads(read_log(0, 0, ""), 0, 499);
    reads(read_log(1, 0, ""), 499, 499);
    reads(read_log(123, 0, ""), 377, 499);
    reads(read_log(500, 0, ""), 0, 499);
    reads(read_log(100000, 0, ""), 0, 499);
    reads(read_log(0, 250, ""), 250, 499);
    reads(read_log(10, 250, ""), 490, 499);
    reads(read_log(300, 250, ""), 250, 499);
    reads(read_log(0, 499, ""), 499, 499);
    assert_int_equal(read_log(0, 500, "")->n, 0);
}


static void
one_replica_can_be_asked_for(void **state)
{
    int  i;

    (void) state;

    for (i = 0; i < 100; i++) {
        put_line("fn-1", i, i, 20);
        put_line("fn-11", i, 1000 + i, 20);
    }

    reads(read_log(0, 0, "fn-1"), 0, 99);
    reads(read_log(5, 0, "fn-11"), 1095, 1099);
    assert_int_equal(read_log(0, 0, "fn-2")->n, 0);
}


static void
a_tail_is_read_from_the_end(void **state)
{
    int                    i;
    const struct reading  *reading;

    (void) state;

    store.max = 16 * 1024 * 1024;

    for (i = 0; i < 4000; i++) {
        put_line("fn-1", i, i, 1000);
    }

    reading = read_log(50, 0, "");
    reads(reading, 3950, 3999);
    assert_true(reading->turns < 10);

    reading = read_log(0, 3950, "");
    reads(reading, 3950, 3999);
    assert_true(reading->turns < 10);

    reading = read_log(0, 0, "");
    reads(reading, 0, 3999);
    assert_true(reading->turns > 60);
}


static void
who_follows_gets_what_comes(void **state)
{
    int               i;
    struct log_query  query;
    struct log_merge  merge;
    struct reading    reading;

    (void) state;

    memset(&query, 0, sizeof(query));
    memset(&reading, 0, sizeof(reading));
    query.is_follow = 1;
    query.tail = 10;

    for (i = 0; i < 100; i++) {
        put_line("fn-1", i, i, 100);
    }

    assert_int_equal(log_merge_init(&merge, &flog, &query), 0);
    take(&merge, &reading);
    reads(&reading, 90, 99);

    /* files come and are renamed meanwhile */

    for (i = 100; i < 1000; i++) {
        put_line(i % 2 == 0 || i < 500 ? "fn-1" : "fn-2", i, i, 100);
        take(&merge, &reading);

        if (i % 10 == 0) {
            log_merge_rest(&merge);
        }
    }

    reads(&reading, 90, 999);
    assert_true(merge.n <= 4);

    /* who is too slow does not get what is gone */

    for (i = 1000; i < 3000; i++) {
        put_line("fn-1", i, i, 100);
    }

    reading.n = 0;
    take(&merge, &reading);
    assert_true(reading.n > 100);
    reads(&reading, 3000 - reading.n, 2999);

    log_merge_done(&merge);
}


static void
who_does_not_follow_gets_what_there_was(void **state)
{
    int               i;
    struct log_query  query;
    struct log_merge  merge;
    struct reading    reading;

    (void) state;

    memset(&query, 0, sizeof(query));
    memset(&reading, 0, sizeof(reading));

    for (i = 0; i < 10; i++) {
        put_line("fn-1", i, i, 100);
    }

    assert_int_equal(log_merge_init(&merge, &flog, &query), 0);
    put_line("fn-1", 10, 10, 100);
    put_line("fn-2", 11, 11, 100);
    take(&merge, &reading);
    log_merge_done(&merge);
    reads(&reading, 0, 9);
}


static void
who_watches_is_told(void **state)
{
    struct flog_watch  watch;

    (void) state;

    watch.arg = &watch;
    watch.appended = on_appended;
    watch.closing = on_closing;
    flog_watch(&flog, &watch);

    put_line("fn-1", 1, 1, 10);
    put_line("fn-2", 2, 2, 10);
    assert_int_equal(n_appended, 2);

    flog_remove(&flog);
    assert_true(TAILQ_EMPTY(&flog.watches));
    assert_int_equal(size_of("."), -1);
}


static void
a_full_disk_loses_whole_lines(void **state)
{
    int               i, was;
    struct rlimit     limit, old;
    struct sigaction  ignore;

    (void) state;

    memset(&ignore, 0, sizeof(ignore));
    ignore.sa_handler = SIG_IGN;
    assert_int_equal(sigaction(SIGXFSZ, &ignore, NULL), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = old;
    limit.rlim_cur = 5000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);

    for (i = 0; i < 100; i++) {
        put_line("fn-1", i, i, 100);
    }

    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_true(store.is_failing);

    was = (int) (flog.size / (LOG_STAMP_LEN + 7 + 100));
    assert_int_equal((uint64_t) size_of("fn-1.log"), flog.size);
    assert_true(was > 30 && was < 50);
    reads(read_log(0, 0, ""), 0, was - 1);

    put_line("fn-1", 100, was, 100);
    assert_false(store.is_failing);
    reads(read_log(0, 0, ""), 0, was);
}


static void
a_file_that_somebody_emptied_goes_on(void **state)
{
    int   i;
    char  path[256];

    (void) state;

    for (i = 0; i < 100; i++) {
        put_line("fn-1", i, i, 100);
    }

    (void) snprintf(path, sizeof(path), "%s/logs/fn.ns/fn-1.log", dir);
    assert_int_equal(truncate(path, 0), 0);
    put_line("fn-1", 100, 100, 100);
    reads(read_log(0, 0, ""), 100, 100);

    assert_int_equal(unlink(path), 0);
    assert_int_equal(read_log(0, 0, "")->n, 0);
    put_line("fn-1", 101, 101, 100);
    reads(read_log(0, 0, ""), 101, 101);
    assert_int_equal((uint64_t) size_of("fn-1.log"), flog.size);
}


static int
is_known(void *arg, const char *key)
{
    (void) arg;

    return strcmp(key, "fn.ns") == 0;
}


static void
what_belongs_to_no_function_is_removed(void **state)
{
    char         path[128];
    size_t       i;
    struct stat  st;

    static const char *const  names[] = {
        "gone.ns", "bad.ns", "old.ns.log", "x"
    };

    (void) state;

    put_line("fn-1", 1, 1, 10);

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void) snprintf(path, sizeof(path), "%s/logs/%s", dir, names[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }

    (void) snprintf(path, sizeof(path), "%s/functions/bad.ns.bad", dir);
    assert_int_equal(mkdir(path, 0700), 0);

    flog_store_clean(&store, is_known, NULL);

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void) snprintf(path, sizeof(path), "%s/logs/%s", dir, names[i]);
        assert_int_equal(stat(path, &st) == 0,
                         strcmp(names[i], "bad.ns") == 0);
    }

    reads(read_log(0, 0, ""), 1, 1);
}


int
main(void)
{
#define TEST(name)  cmocka_unit_test_setup_teardown(name, set_up, tear_down)

    const struct CMUnitTest  tests[] = {
        TEST(a_file_has_its_share),
        TEST(all_files_have_a_bound),
        TEST(lines_as_long_as_the_bound_keep_it),
        TEST(files_of_replicas_that_are_gone_are_counted),
        TEST(a_new_scaler_reads_what_there_was),
        TEST(a_replica_that_is_taken_over_goes_on),
        TEST(half_a_line_is_read_at_the_end),
        TEST(a_file_that_is_no_log_is_read_in_pieces),
        TEST(lines_are_in_order_of_time),
        TEST(one_replica_can_be_asked_for),
        TEST(a_tail_is_read_from_the_end),
        TEST(who_follows_gets_what_comes),
        TEST(who_does_not_follow_gets_what_there_was),
        TEST(who_watches_is_told),
        TEST(a_full_disk_loses_whole_lines),
        TEST(a_file_that_somebody_emptied_goes_on),
        TEST(what_belongs_to_no_function_is_removed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
