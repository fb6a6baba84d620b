/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The tables, and the way from (address, port) to an owner. abi.h draws it. */
#ifndef SU_OWNERS_H
#define SU_OWNERS_H

#include "packet.h"

/*
 * A global variable, and not a map that is looked up: the program addresses it directly, which costs one instruction in
 * place of a lookup's eight, and no call that empties registers. libbpf makes the map (its name there ends in .bss).
 * Needs Linux 6.0, for elements above 4 MiB.
 */
struct su_tables su_tables __attribute__((aligned(64)));

/* A table's address, in one instruction. The compiler alone would take the variable's and add the offset each time. */
#define TABLE(field)                                                                               \
	({                                                                                         \
		const __typeof__(su_tables.field[0]) *table;                                       \
		asm("%0 = su_tables + %1 ll"                                                       \
		    : "=r"(table)                                                                  \
		    : "i"(__builtin_offsetof(struct su_tables, field)));                           \
		table;                                                                             \
	})

/*
 * struct su_prefix as one word, so that row, kind and flags come from one load and always fit together. The barrier keeps
 * the upper half in a register: compared within 8 bytes, it would take constants of 8 bytes.
 */
static __always_inline __u32 prefix_upper(__u64 prefix)
{
	__u64 upper = prefix >> 32;

	barrier_var(upper);
	return upper;
}

#define SU_PREFIX_WORD_KIND(word) ((__u8)prefix_upper(word))
#define SU_PREFIX_WORD_SHIFT(word) ((__u8)((word) >> 40))
#define SU_PREFIX_WORD_FLAGS(word) ((__u8)((word) >> 48))
#define SU_PREFIX_WORD_ROW(word) ((__u32)(word))

/* What user space stores at any time is read once, whole. */
#define READ_ONCE(word) (*(const volatile __typeof__(word) *)&(word))

/* The /24 of an address that lies in a packet; 0 (SU_PREFIX_NONE) if it is none of ours. */
static __always_inline __u64 prefix_of(const __u8 *address)
{
	__u32 block = READ_ONCE(TABLE(l1)[load16(address)]) & (SU_L2_BLOCKS - 1);

	return *(const volatile su_word64 *)&TABLE(l2)[block << 8 | address[2]];
}

/* The value of a slot of su_rows. */
static __always_inline __u32 row_slot(__u32 index)
{
	return READ_ONCE(TABLE(rows)[index & (SU_ROW_SLOTS - 1)]);
}

/*
 * The owner of a port of the last byte of an address: SU_SLOT_UNOWNED, SU_SLOT_HERE or an endpoint. Address and port shift
 * as one number: (last << 16 | port) >> (16 - shift) = (last << shift) + (port >> (16 - shift)).
 */
static __always_inline __u32 owner_slot(__u64 prefix, __u32 last, __u32 port)
{
	__u32 shift = 16 - SU_PREFIX_WORD_SHIFT(prefix);

	return row_slot(SU_PREFIX_WORD_ROW(prefix) + ((last << 16 | port) >> (shift & 31)));
}

#endif
