/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Intrusive doubly linked circular lists.  An item that is on no list points
 * at itself, so that removing it twice does nothing.
 */

#ifndef FAAS_WD_LIST_H
#define FAAS_WD_LIST_H

#include <stddef.h>


/* the structure of this type whose member is at ptr */
#define WD_ITEM(ptr, type, member)                                            \
    ((type *) (void *) ((char *) (ptr) - offsetof(type, member)))


struct wd_list {
    struct wd_list  *next;
    struct wd_list  *prev;
};


/*
 * Makes an empty list, or an item that is on none.
 */
static inline void
wd_list_init(struct wd_list *list)
{
    list->next = list;
    list->prev = list;
}


/*
 * Whether the list is empty, or the item is on no list.
 */
static inline int
wd_list_is_empty(const struct wd_list *list)
{
    return list->next == list;
}


/*
 * Appends an item that is on no list.
 */
static inline void
wd_list_add(struct wd_list *list, struct wd_list *item)
{
    item->prev = list->prev;
    item->next = list;
    list->prev->next = item;
    list->prev = item;
}


/*
 * Takes the item off its list, if it is on one.
 */
static inline void
wd_list_del(struct wd_list *item)
{
    item->prev->next = item->next;
    item->next->prev = item->prev;
    wd_list_init(item);
}


#endif /* FAAS_WD_LIST_H */
