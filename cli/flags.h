/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tables of flags that commands share, for the table of commands only.
 */

#ifndef FAAS_CLI_FLAGS_H
#define FAAS_CLI_FLAGS_H

#include "commands.h"


extern const struct flag  flags_common[];       /* of every command */
extern const struct flag  flags_remote[];       /* of what asks a gateway */
extern const struct flag  flags_output[];       /* --output, --json */
extern const struct flag  flags_function[];     /* a function without a file */
extern const struct flag  flags_build[];
extern const struct flag  flags_push[];
extern const struct flag  flags_publish[];
extern const struct flag  flags_deploy[];
extern const struct flag  flags_tag[];
extern const struct flag  flags_store[];
extern const struct flag  flags_provider[];
extern const struct flag  flags_resources[];

/* of one command or two */
extern const struct flag  flags_new[];
extern const struct flag  flags_up[];
extern const struct flag  flags_invoke[];
extern const struct flag  flags_list[];
extern const struct flag  flags_verbose[];
extern const struct flag  flags_logs[];
extern const struct flag  flags_scale[];
extern const struct flag  flags_ready[];
extern const struct flag  flags_login[];
extern const struct flag  flags_secret[];
extern const struct flag  flags_replace[];
extern const struct flag  flags_generate_secret[];
extern const struct flag  flags_namespace[];
extern const struct flag  flags_pull[];
extern const struct flag  flags_template_store[];
extern const struct flag  flags_store_list[];
extern const struct flag  flags_generate[];
extern const struct flag  flags_local_run[];
extern const struct flag  flags_queue_list[];
extern const struct flag  flags_queue_all[];
extern const struct flag  flags_completion[];
extern const struct flag  flags_diff[];
extern const struct flag  flags_version[];
extern const struct flag  flags_timeout[];


#endif /* FAAS_CLI_FLAGS_H */
