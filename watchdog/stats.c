/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Counts of requests, by the names that OpenFaaS' watchdogs have.
 */

#include "stats.h"

#include <ctype.h>
#include <llhttp.h>
#include <stdio.h>


#define NSEC_PER_MSEC  1000000
#define LABELS_MAX     64       /* bytes */


static const struct {
    const char  *text;
    uint64_t     msec;
} limits[WD_STATS_BUCKETS] = {
    { "0.005", 5 }, { "0.01", 10 }, { "0.025", 25 }, { "0.05", 50 },
    { "0.1", 100 }, { "0.25", 250 }, { "0.5", 500 }, { "1", 1000 },
    { "2.5", 2500 }, { "5", 5000 }, { "10", 10000 }
};


static struct wd_series *find(struct wd_stats *stats, int method, int status);
static void put_labels(const struct wd_series *series, int is_other,
    char labels[LABELS_MAX]);
static int add_histogram(const struct wd_series *series, const char *labels,
    struct faas_buf *page);


void
wd_stats_add(struct wd_stats *stats, int method, int status, uint64_t nsec)
{
    size_t             i;
    struct wd_series  *series;

    series = find(stats, method, status);
    series->n++;
    series->nsec += nsec;

    for (i = 0; i < WD_STATS_BUCKETS; i++) {
        if (nsec <= limits[i].msec * NSEC_PER_MSEC) {
            series->bucket[i]++;
            return;
        }
    }
}


int
wd_stats_page(const struct wd_stats *stats, size_t n_inflight,
    struct faas_buf *page)
{
    int                      rc;
    char                     labels[LABELS_MAX];
    size_t                   i;
    const struct wd_series  *series;

    rc = faas_buf_printf(page, "# HELP http_requests_in_flight Requests "
                         "being served.\n"
                         "# TYPE http_requests_in_flight gauge\n"
                         "http_requests_in_flight %zu\n"
                         "# HELP http_requests_total Requests served.\n"
                         "# TYPE http_requests_total counter\n", n_inflight);

    for (i = 0; i < WD_STATS_SERIES; i++) {
        series = &stats->series[i];

        if (series->n != 0) {
            put_labels(series, i == WD_STATS_SERIES - 1, labels);
            rc |= faas_buf_printf(page, "http_requests_total{%s} %llu\n",
                                  labels, (unsigned long long) series->n);
        }
    }

    rc |= faas_buf_puts(page, "# HELP http_request_duration_seconds Time "
                        "until the answer was sent.\n"
                        "# TYPE http_request_duration_seconds histogram\n");

    for (i = 0; i < WD_STATS_SERIES; i++) {
        series = &stats->series[i];

        if (series->n != 0) {
            put_labels(series, i == WD_STATS_SERIES - 1, labels);
            rc |= add_histogram(series, labels, page);
        }
    }

    return rc != 0 ? -1 : 0;
}


static struct wd_series *
find(struct wd_stats *stats, int method, int status)
{
    size_t             i;
    struct wd_series  *series;

    for (i = 0; i < WD_STATS_SERIES - 1; i++) {
        series = &stats->series[i];

        if (series->status == 0) {
            series->method = method;
            series->status = status;
            return series;
        }

        if (series->status == status && series->method == method) {
            return series;
        }
    }

    return &stats->series[WD_STATS_SERIES - 1];
}


static void
put_labels(const struct wd_series *series, int is_other,
    char labels[LABELS_MAX])
{
    char    *p;

    if (is_other) {
        (void) snprintf(labels, LABELS_MAX, "code=\"other\",method=\"other\"");
        return;
    }

    (void) snprintf(labels, LABELS_MAX, "code=\"%d\",method=\"%s\"",
                    series->status,
                    llhttp_method_name((llhttp_method_t) series->method));

    for (p = labels; *p != '\0'; p++) {
        *p = (char) tolower((unsigned char) *p);
    }
}


static int
add_histogram(const struct wd_series *series, const char *labels,
    struct faas_buf *page)
{
    int       rc;
    size_t    i;
    uint64_t  n;

    rc = 0;
    n = 0;

    for (i = 0; i < WD_STATS_BUCKETS; i++) {
        n += series->bucket[i];
        rc |= faas_buf_printf(page, "http_request_duration_seconds_bucket"
                              "{%s,le=\"%s\"} %llu\n", labels,
                              limits[i].text, (unsigned long long) n);
    }

    return rc | faas_buf_printf(page,
                    "http_request_duration_seconds_bucket{%s,le=\"+Inf\"} "
                    "%llu\n"
                    "http_request_duration_seconds_sum{%s} %llu.%09llu\n"
                    "http_request_duration_seconds_count{%s} %llu\n",
                    labels, (unsigned long long) series->n,
                    labels, (unsigned long long) (series->nsec / 1000000000),
                    (unsigned long long) (series->nsec % 1000000000),
                    labels, (unsigned long long) series->n);
}
