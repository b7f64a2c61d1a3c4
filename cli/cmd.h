/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The commands themselves, as the table has them.  Each returns 0, or -1 with
 * cli->err; where its text is empty the command has said what was wrong.
 */

#ifndef FAAS_CLI_CMD_H
#define FAAS_CLI_CMD_H


struct cli;

int cmd_build(struct cli *cli);
int cmd_completion(struct cli *cli);
int cmd_complete(struct cli *cli);
int cmd_deploy(struct cli *cli);
int cmd_describe(struct cli *cli);
int cmd_diff(struct cli *cli);
int cmd_generate(struct cli *cli);
int cmd_help(struct cli *cli);
int cmd_invoke(struct cli *cli);
int cmd_list(struct cli *cli);
int cmd_local_run(struct cli *cli);
int cmd_login(struct cli *cli);
int cmd_logout(struct cli *cli);
int cmd_logs(struct cli *cli);
int cmd_man(struct cli *cli);
int cmd_namespace_create(struct cli *cli);
int cmd_namespace_get(struct cli *cli);
int cmd_namespace_list(struct cli *cli);
int cmd_namespace_remove(struct cli *cli);
int cmd_namespace_update(struct cli *cli);
int cmd_new(struct cli *cli);
int cmd_publish(struct cli *cli);
int cmd_push(struct cli *cli);
int cmd_queue_cancel(struct cli *cli);
int cmd_queue_list(struct cli *cli);
int cmd_queue_purge(struct cli *cli);
int cmd_queue_retry(struct cli *cli);
int cmd_queue_show(struct cli *cli);
int cmd_ready(struct cli *cli);
int cmd_remove(struct cli *cli);
int cmd_scale(struct cli *cli);
int cmd_secret_apply(struct cli *cli);
int cmd_secret_create(struct cli *cli);
int cmd_secret_generate(struct cli *cli);
int cmd_secret_list(struct cli *cli);
int cmd_secret_remove(struct cli *cli);
int cmd_secret_update(struct cli *cli);
int cmd_store_deploy(struct cli *cli);
int cmd_store_inspect(struct cli *cli);
int cmd_store_list(struct cli *cli);
int cmd_template_list(struct cli *cli);
int cmd_template_pull(struct cli *cli);
int cmd_template_pull_stack(struct cli *cli);
int cmd_template_store_describe(struct cli *cli);
int cmd_template_store_list(struct cli *cli);
int cmd_template_store_pull(struct cli *cli);
int cmd_up(struct cli *cli);
int cmd_version(struct cli *cli);


#endif /* FAAS_CLI_CMD_H */
