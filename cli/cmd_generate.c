/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * generate: the functions of a stack file for others to deploy: as services of
 * a Swarm, as Kubernetes' objects, as OpenFaaS' or Knative's own.
 */

#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "codec.h"
#include "image.h"
#include "out.h"
#include "stack.h"
#include "store.h"
#include "template.h"


#define SECRETS_DIR  "/var/openfaas/secrets"
#define PORT         8080


/* a function with what flags and templates add to it */
struct item {
    struct cli             *cli;
    const struct function  *fn;
    const char             *image;
    const char             *process;    /* or NULL */
    const char             *ns;
    struct pairs            labels;
    struct pairs            annotations;
};


static int read_item(struct cli *cli, struct stack *stack,
    struct function *fn, struct item *item);
static int from_store(struct cli *cli, struct stack *stack);
static void swarm(struct cli *cli, const struct stack *stack,
    struct item *items);
static void swarm_service(struct item *item);
static void swarm_deploy(struct item *item, struct pairs *labels);
static void swarm_secrets(struct cli *cli, const struct stack *stack);
static void swarm_resources(struct item *item, const char *title,
    const struct pairs *pairs);
static void kubernetes(struct item *item);
static void kubernetes_container(struct item *item);
static void kubernetes_secrets(struct item *item);
static void openfaas(struct item *item);
static void knative(struct item *item);
static void print_pairs(struct item *item, int indent, const char *title,
    const struct pairs *pairs);
static void print_texts(struct item *item, int indent, const char *title,
    const struct texts *texts);
static void print_env(struct item *item, int indent);
static void print_resources(struct item *item, int indent);
static const char *quote(struct item *item, const char *text);


int
cmd_generate(struct cli *cli)
{
    size_t         i;
    const char    *api;
    struct item   *items;
    struct stack   stack;

    if ((args_text(&cli->args, "from-store") != NULL
         ? from_store(cli, &stack) : stack_targets(cli, &stack)) != 0)
    {
        return -1;
    }

    items = pool_alloc(&cli->pool, (stack.n + 1) * sizeof(struct item));

    for (i = 0; i < stack.n; i++) {
        if (read_item(cli, &stack, &stack.functions[i], &items[i]) != 0) {
            return -1;
        }
    }

    api = args_text(&cli->args, "api");

    if (strcmp(api, "swarm") == 0) {
        swarm(cli, &stack, items);
        return 0;
    }

    for (i = 0; i < stack.n; i++) {

        if (strcmp(api, "kubernetes") == 0) {
            kubernetes(&items[i]);

        } else if (strcmp(api, "serving.knative.dev/v1") == 0) {
            knative(&items[i]);

        } else {
            openfaas(&items[i]);
        }
    }

    return 0;
}


static int
read_item(struct cli *cli, struct stack *stack, struct function *fn,
    struct item *item)
{
    struct template  t;

    item->cli = cli;
    item->fn = fn;
    item->image = image_name(cli, stack, fn);
    item->labels = fn->labels;
    item->annotations = fn->annotations;
    item->process = fn->fprocess;
    item->ns = args_text(&cli->args, "namespace");
    item->ns = item->ns != NULL ? item->ns
               : fn->ns != NULL && fn->ns[0] != '\0' ? fn->ns : "openfaas-fn";

    if (item->image == NULL
        || pairs_set_flag(cli, &item->labels, "label") != 0
        || pairs_set_flag(cli, &item->annotations, "annotation") != 0)
    {
        return -1;
    }

    if (item->process != NULL || template_is_dockerfile(fn->lang)) {
        return 0;
    }

    /* one that is not here is no reason not to write the rest */

    if (template_load(cli, fn->lang, &t) == 0 && !t.has_process) {
        item->process = t.fprocess;
    }

    cli->err.text[0] = '\0';

    return 0;
}


static int
from_store(struct cli *cli, struct stack *stack)
{
    memset(stack, 0, sizeof(*stack));
    stack->functions = pool_alloc(&cli->pool, sizeof(struct function));
    stack->n = 1;

    return store_function(cli, args_text(&cli->args, "from-store"),
                          args_text(&cli->args, "name"), store_platform(cli),
                          stack->functions);
}


/*
 * What the scaler's Swarm provider makes: it takes these services for its
 * functions.
 */
static void
swarm(struct cli *cli, const struct stack *stack, struct item *items)
{
    size_t  i;

    (void) printf("version: \"3.8\"\n\nservices:\n");

    for (i = 0; i < stack->n; i++) {
        swarm_service(&items[i]);
    }

    (void) printf("\nnetworks:\n  functions:\n    external: true\n");
    swarm_secrets(cli, stack);
}


static void
swarm_service(struct item *item)
{
    size_t                  i;
    const struct function  *fn;
    struct pairs            labels;

    fn = item->fn;
    memset(&labels, 0, sizeof(labels));
    pairs_set(&item->cli->pool, &labels, "com.openfaas.function", fn->name);
    pairs_set(&item->cli->pool, &labels, "function", "true");

    for (i = 0; i < item->labels.n; i++) {
        pairs_set(&item->cli->pool, &labels, item->labels.at[i].name,
                  item->labels.at[i].value);
    }

    (void) printf("  %s:\n    image: %s\n", fn->name,
                  quote(item, item->image));

    if (fn->environment.n != 0 || item->process != NULL) {
        (void) printf("    environment:\n");

        if (item->process != NULL) {
            (void) printf("      fprocess: %s\n",
                          quote(item, item->process));
        }

        print_pairs(item, 6, NULL, &fn->environment);
    }

    print_pairs(item, 4, "labels", &labels);

    if (fn->is_readonly) {
        (void) printf("    read_only: true\n    tmpfs:\n      - /tmp\n");
    }

    if (fn->secrets.n != 0) {
        (void) printf("    secrets:\n");
    }

    for (i = 0; i < fn->secrets.n; i++) {
        (void) printf("      - source: %s\n        target: " SECRETS_DIR
                      "/%s\n", quote(item, fn->secrets.at[i]),
                      fn->secrets.at[i]);
    }

    swarm_deploy(item, &labels);
}


/*
 * The service's labels are those of its containers, and annotations.
 */
static void
swarm_deploy(struct item *item, struct pairs *labels)
{
    size_t                  i;
    const struct function  *fn;

    fn = item->fn;

    for (i = 0; i < item->annotations.n; i++) {
        pairs_set(&item->cli->pool, labels,
                  pool_printf(&item->cli->pool, "com.openfaas.annotations.%s",
                              item->annotations.at[i].name),
                  item->annotations.at[i].value);
    }

    (void) printf("    networks:\n      - functions\n    deploy:\n"
                  "      endpoint_mode: dnsrr\n");
    print_pairs(item, 6, "labels", labels);

    if (fn->constraints.n != 0) {
        (void) printf("      placement:\n");
        print_texts(item, 8, "constraints", &fn->constraints);
    }

    if (fn->limits.n != 0 || fn->requests.n != 0) {
        (void) printf("      resources:\n");
        swarm_resources(item, "limits", &fn->limits);
        swarm_resources(item, "reservations", &fn->requests);
    }
}


static void
swarm_secrets(struct cli *cli, const struct stack *stack)
{
    size_t         i;
    struct texts   names;

    names = stack_secrets(cli, stack);

    if (names.n != 0) {
        (void) printf("\nsecrets:\n");
    }

    for (i = 0; i < names.n; i++) {
        (void) printf("  %s:\n    external: true\n",
                      codec_quote(&cli->pool, names.at[i]));
    }
}


/*
 * Kubernetes' quantities as Docker has them: "100m" of a processor is 0.1,
 * "128Mi" of memory 128M.
 */
static void
swarm_resources(struct item *item, const char *title,
    const struct pairs *pairs)
{
    size_t       len;
    const char  *cpu, *memory;

    if (pairs->n == 0) {
        return;
    }

    (void) printf("        %s:\n", title);
    cpu = pairs_get(pairs, "cpu");
    memory = pairs_get(pairs, "memory");

    if (cpu != NULL) {
        len = strlen(cpu);

        if (len > 1 && cpu[len - 1] == 'm') {
            const char  *digits = pool_printf(&item->cli->pool, "000%.*s",
                                              (int) (len - 1), cpu);

            len = strlen(digits) - 3;
            cpu = pool_printf(&item->cli->pool, "%.*s.%s", (int) len, digits,
                              digits + len);
            cpu += strspn(cpu, "0");
            cpu = cpu[0] == '.' ? pool_printf(&item->cli->pool, "0%s", cpu)
                  : cpu;
        }

        (void) printf("          cpus: %s\n", quote(item, cpu));
    }

    if (memory != NULL) {
        len = strcspn(memory, "i");
        (void) printf("          memory: %s\n",
                      quote(item, pool_copy(&item->cli->pool, memory, len)));
    }
}


static void
kubernetes(struct item *item)
{
    struct pairs  labels;

    labels = item->labels;
    pairs_set(&item->cli->pool, &labels, "faas_function", item->fn->name);

    (void) printf("---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n"
                  "  name: %s\n  namespace: %s\n", item->fn->name, item->ns);
    print_pairs(item, 2, "labels", &labels);
    print_pairs(item, 2, "annotations", &item->annotations);
    (void) printf("spec:\n  replicas: 1\n  selector:\n    matchLabels:\n"
                  "      faas_function: %s\n  template:\n    metadata:\n",
                  item->fn->name);
    print_pairs(item, 6, "labels", &labels);
    print_pairs(item, 6, "annotations", &item->annotations);
    kubernetes_container(item);
    kubernetes_secrets(item);

    (void) printf("---\napiVersion: v1\nkind: Service\nmetadata:\n"
                  "  name: %s\n  namespace: %s\n", item->fn->name, item->ns);
    print_pairs(item, 2, "labels", &labels);
    (void) printf("spec:\n  type: ClusterIP\n  selector:\n"
                  "    faas_function: %s\n  ports:\n  - name: http\n"
                  "    port: %d\n    targetPort: %d\n", item->fn->name, PORT,
                  PORT);
}


static void
kubernetes_container(struct item *item)
{
    (void) printf("    spec:\n      containers:\n      - name: %s\n"
                  "        image: %s\n        ports:\n"
                  "        - name: http\n          containerPort: %d\n",
                  item->fn->name, quote(item, item->image), PORT);
    print_env(item, 8);
    print_resources(item, 8);
    (void) printf("        readinessProbe:\n          httpGet:\n"
                  "            path: /_/health\n            port: %d\n"
                  "          periodSeconds: 2\n", PORT);
    (void) printf("        securityContext:\n"
                  "          allowPrivilegeEscalation: false\n"
                  "          readOnlyRootFilesystem: %s\n",
                  item->fn->is_readonly ? "true" : "false");
}


static void
kubernetes_secrets(struct item *item)
{
    size_t                  i;
    const struct function  *fn;

    fn = item->fn;

    if (fn->secrets.n == 0 && !fn->is_readonly) {
        return;
    }

    (void) printf("        volumeMounts:\n");

    if (fn->is_readonly) {
        (void) printf("        - name: tmp\n          mountPath: /tmp\n");
    }

    if (fn->secrets.n != 0) {
        (void) printf("        - name: secrets\n          mountPath: "
                      SECRETS_DIR "\n          readOnly: true\n");
    }

    (void) printf("      volumes:\n");

    if (fn->is_readonly) {
        (void) printf("      - name: tmp\n        emptyDir: {}\n");
    }

    if (fn->secrets.n != 0) {
        (void) printf("      - name: secrets\n        projected:\n"
                      "          sources:\n");
    }

    for (i = 0; i < fn->secrets.n; i++) {
        (void) printf("          - secret:\n              name: %s\n",
                      quote(item, fn->secrets.at[i]));
    }
}


static void
openfaas(struct item *item)
{
    const struct function  *fn;

    fn = item->fn;

    (void) printf("---\napiVersion: openfaas.com/v1\nkind: Function\n"
                  "metadata:\n  name: %s\n  namespace: %s\nspec:\n"
                  "  name: %s\n  image: %s\n", fn->name, item->ns, fn->name,
                  quote(item, item->image));

    if (item->process != NULL && item->process[0] != '\0') {
        (void) printf("  handler: %s\n", quote(item, item->process));
    }

    print_pairs(item, 2, "labels", &item->labels);
    print_pairs(item, 2, "annotations", &item->annotations);
    print_pairs(item, 2, "environment", &fn->environment);
    print_texts(item, 2, "constraints", &fn->constraints);
    print_texts(item, 2, "secrets", &fn->secrets);
    print_pairs(item, 2, "limits", &fn->limits);
    print_pairs(item, 2, "requests", &fn->requests);
    (void) printf("  readOnlyRootFilesystem: %s\n",
                  fn->is_readonly ? "true" : "false");
}


static void
knative(struct item *item)
{
    (void) printf("---\napiVersion: serving.knative.dev/v1\nkind: Service\n"
                  "metadata:\n  name: %s\n  namespace: %s\n", item->fn->name,
                  item->ns);
    print_pairs(item, 2, "labels", &item->labels);
    print_pairs(item, 2, "annotations", &item->annotations);
    (void) printf("spec:\n  template:\n    spec:\n      containers:\n"
                  "      - image: %s\n", quote(item, item->image));
    print_env(item, 8);
    print_resources(item, 8);
    kubernetes_secrets(item);
}


static void
print_pairs(struct item *item, int indent, const char *title,
    const struct pairs *pairs)
{
    size_t  i;

    if (pairs->n == 0) {
        return;
    }

    if (title != NULL) {
        (void) printf("%*s%s:\n", indent, "", title);
        indent += 2;
    }

    for (i = 0; i < pairs->n; i++) {
        (void) printf("%*s%s: %s\n", indent, "",
                      quote(item, pairs->at[i].name),
                      quote(item, pairs->at[i].value));
    }
}


static void
print_texts(struct item *item, int indent, const char *title,
    const struct texts *texts)
{
    size_t  i;

    if (texts->n != 0) {
        (void) printf("%*s%s:\n", indent, "", title);
    }

    for (i = 0; i < texts->n; i++) {
        (void) printf("%*s- %s\n", indent, "", quote(item, texts->at[i]));
    }
}


static void
print_env(struct item *item, int indent)
{
    size_t                  i;
    const struct function  *fn;

    fn = item->fn;

    if (fn->environment.n == 0 && item->process == NULL) {
        return;
    }

    (void) printf("%*senv:\n", indent, "");

    if (item->process != NULL) {
        (void) printf("%*s- name: fprocess\n%*svalue: %s\n", indent, "",
                      indent + 2, "", quote(item, item->process));
    }

    for (i = 0; i < fn->environment.n; i++) {
        (void) printf("%*s- name: %s\n%*svalue: %s\n", indent, "",
                      quote(item, fn->environment.at[i].name), indent + 2,
                      "", quote(item, fn->environment.at[i].value));
    }
}


static void
print_resources(struct item *item, int indent)
{
    if (item->fn->limits.n == 0 && item->fn->requests.n == 0) {
        return;
    }

    (void) printf("%*sresources:\n", indent, "");
    print_pairs(item, indent + 2, "limits", &item->fn->limits);
    print_pairs(item, indent + 2, "requests", &item->fn->requests);
}


static const char *
quote(struct item *item, const char *text)
{
    return codec_quote(&item->cli->pool, text);
}
