/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The maps, and the way from (address, port) to an owner. abi.h draws it. */
#ifndef SU_TABLES_H
#define SU_TABLES_H

#include "packet.h"

/* Written by user space through mmap, by aligned stores, while packets flow. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u16[SU_L1_ENTRIES]);
} su_l1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct su_prefix[SU_L2_ENTRIES]);
} su_l2 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SU_ROW_SLOTS / SU_ROW_LINE_SLOTS);
	__type(key, __u32);
	__type(value, __u16[SU_ROW_LINE_SLOTS]);
} su_rows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SU_ENDPOINTS);
	__type(key, __u32);
	__type(value, struct su_endpoint);
} su_endpoints SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SU_INTERFACES);
	__type(key, __u32);
	__type(value, struct su_interface);
} su_interfaces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct su_settings);
} su_settings SEC(".maps");

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

/* struct su_prefix as one word, so that row, kind and flags come from one load and always fit together. */
#define SU_PREFIX_WORD_KIND(word) ((__u8)((word) >> 32))
#define SU_PREFIX_WORD_SHIFT(word) ((__u8)((word) >> 40))
#define SU_PREFIX_WORD_FLAGS(word) ((__u8)((word) >> 48))
#define SU_PREFIX_WORD_ROW(word) ((__u32)(word))

/* struct su_interface as one word. */
#define SU_INTERFACE_WORD_ROLES(word) ((__u8)((word) >> 48))
#define SU_INTERFACE_WORD_ZERO(word) ((word) >> 56)

/* The /24 of an address, in host order; 0 (SU_PREFIX_NONE) if it is none of ours. */
static __always_inline __u64 prefix_of(__u32 address)
{
	const __u32 zero = 0;
	const struct su_prefix *l2;
	const __u16 *l1;
	__u32 at;

	l1 = bpf_map_lookup_elem(&su_l1, &zero);
	if (!l1)
		return 0;
	l2 = bpf_map_lookup_elem(&su_l2, &zero);
	if (!l2)
		return 0;
	at = l1[address >> 16];
	at = ((at << 8) | ((address >> 8) & 0xff)) & (SU_L2_ENTRIES - 1);
	return load64(&l2[at]);
}

/* The value of a slot of su_rows; 0 if there is no such slot. */
static __always_inline __u32 row_slot(__u32 index)
{
	__u32 line = index / SU_ROW_LINE_SLOTS;
	const __u16 *row;

	row = bpf_map_lookup_elem(&su_rows, &line);
	if (!row)
		return SU_SLOT_UNOWNED;
	return row[index % SU_ROW_LINE_SLOTS];
}

/* The owner of (address, port): SU_SLOT_UNOWNED, SU_SLOT_HERE or an endpoint. */
static __always_inline __u32 owner_slot(__u64 prefix, __u32 address, __u32 port)
{
	__u32 shift = SU_PREFIX_WORD_SHIFT(prefix);

	return row_slot(SU_PREFIX_WORD_ROW(prefix) + ((address & 0xff) << shift) +
			(port >> (16 - shift)));
}

static __always_inline const struct su_endpoint *endpoint_of(__u32 slot)
{
	return bpf_map_lookup_elem(&su_endpoints, &slot);
}

#endif
