/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The packet path's maps: what it looks up beside the owner, and what it counts. */
#ifndef SU_TABLES_H
#define SU_TABLES_H

#include "packet.h"
#include "owners.h"
#include "counters.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SU_REASONS);
	__type(key, __u32);
	__type(value, struct su_counter);
} su_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SU_ENDPOINTS);
	__type(key, __u32);
	__type(value, struct su_counter);
} su_endpoint_counters SEC(".maps");

/* struct su_interface as one word. */
#define SU_INTERFACE_WORD_ROLES(word) ((word) >> 48) /* pad, above them, is 0 */
#define SU_INTERFACE_WORD_ZERO(word) ((word) >> 56)

/*
 * An endpoint's entry. The first barrier keeps the mask, without which the verifier does not believe in the bound; the
 * second the pointer, which the compiler would rather compute again at each use.
 */
static __always_inline const struct su_endpoint *endpoint_of(__u32 slot)
{
	const struct su_endpoint *endpoint;

	barrier_var(slot);
	endpoint = &TABLE(endpoints)[slot & (SU_ENDPOINTS - 1)];
	barrier_var(endpoint);
	return endpoint;
}

#endif
