/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The binary contract between the packet path and user space: map layouts, names, verdicts, reasons.
 *
 * Byte order: host, but for fields that end in _be, which lie as they do on the wire. Every struct is padded by hand
 * and its size asserted; the C# mirror (src/Steering/Abi) is held to this file through BTF by a test.
 *
 * How a packet finds its owner:
 *
 *   address  a.b.c.d                               port
 *            \_/ | |                                 |
 *   su_l1 [a.b] -+-|-> block of su_l2 (0: nothing)   |        a.b: 16 bits, as they lie in the packet
 *   su_l2 [block][c] --> struct su_prefix            |
 *                    |   EGRESS: row of d = row_base + (d << row_shift), slot = port >> (16 - row_shift)
 *                    |   PEERS:  slot d of row_base says the rank of an underlay address
 *   su_rows [slot] --> u16: 0 unowned, 1 here, else an index of su_endpoints
 */
#ifndef SU_ABI_H
#define SU_ABI_H

#include <linux/types.h>

#define SU_ABI_VERSION 1

/* How long each table is. */
#define SU_L1_ENTRIES 65536
#define SU_L2_BLOCKS 256 /* block 0 is never used */
#define SU_L2_ENTRIES (SU_L2_BLOCKS * 256)
#define SU_ROW_SLOTS (4 * 1024 * 1024)
#define SU_ENDPOINTS 32768 /* 0 and 1 are never used: they mean unowned and here */
#define SU_INTERFACES 4096 /* indexed by ifindex */
#define SU_LOCALS 4

#define SU_SLOT_UNOWNED 0
#define SU_SLOT_HERE 1

/* What a /24 holds. */
enum su_prefix_kind {
	SU_PREFIX_NONE = 0,
	SU_PREFIX_EGRESS = 1,
	SU_PREFIX_PEERS = 2,
};

/* Bits of su_prefix.flags, for SU_PREFIX_EGRESS. */
#define SU_FLAG_OPEN_TO_OWNER 1 /* what would open a connection goes to the owner; else it is dropped */
#define SU_FLAG_ECHO_TO_OWNER 2 /* an echo request goes to the owner of its identifier */
#define SU_FLAG_ECHO_ANSWER 4   /* an echo request is answered where it lands; else (neither bit) dropped */

/* 8 bytes, written by one aligned store. */
struct su_prefix {
	__u32 row_base;	 /* first slot of the /24 in su_rows */
	__u8 kind;	 /* enum su_prefix_kind */
	__u8 row_shift;	 /* EGRESS: log2 of slots an address, 1 to 8 */
	__u8 flags;	 /* SU_FLAG_* */
	__u8 pad;
};
_Static_assert(sizeof(struct su_prefix) == 8, "su_prefix");

/* Ranks only fall: a packet of rank R may go on only to something of a lower rank. Also the value of a PEERS slot. */
enum su_rank {
	SU_RANK_HERE = 0,
	SU_RANK_DATACENTER = 1, /* as a peer: a server of this datacenter; as an endpoint: one in this datacenter */
	SU_RANK_BACKBONE = 2,	/* as a peer: a server of another datacenter; as an endpoint: one elsewhere */
	SU_RANK_INTERNET = 3,	/* came without a tunnel */
};

enum su_encapsulation {
	SU_ENCAP_GUE = 0,
	SU_ENCAP_GRE = 1,
	SU_ENCAP_IPIP = 2,
	SU_ENCAP_GRE_KEY = 3,
};

#define SU_GUE_PORT 6080

/*
 * Where to send: immutable once a slot points to it. outer[] is a ready IPv4 header (no options, DF, TTL 64, total
 * length, TOS and checksum zero) and what follows it (UDP and GUE, or GRE); outer_bytes says how much of it counts.
 * l2[] is a ready Ethernet header, with one 802.1Q tag if l2_bytes is 18.
 */
struct su_endpoint {
	__u8 l2[18];
	__u8 l2_bytes;	   /* 14, 18; 0: the next hop is not resolved */
	__u8 encap;	   /* enum su_encapsulation */
	__u8 outer[32];
	__u8 outer_bytes;  /* 20 IPIP, 24 GRE, 28 GRE with key, 32 GUE */
	__u8 rank;	   /* SU_RANK_DATACENTER or SU_RANK_BACKBONE */
	__u16 mtu_bytes;   /* largest outer packet, IP header included */
	__u32 ifindex;	   /* goes out here */
	__u32 csum_base;   /* ones' complement sum of outer[0..19] as 16-bit words read in memory order, unfolded */
};
_Static_assert(sizeof(struct su_endpoint) == 64, "su_endpoint");

/* Bits of su_interface.roles. */
#define SU_ROLE_INTERNET 1 /* packets to egress addresses arrive here without a tunnel */
#define SU_ROLE_BACKBONE 2 /* tunnel packets arrive here */

struct su_interface {
	__u8 mac[6]; /* frames to another unicast address are not ours */
	__u8 roles;  /* 0: not configured, everything passes */
	__u8 pad;    /* always 0; the packet path makes use of that */
};
_Static_assert(sizeof(struct su_interface) == 8, "su_interface");

/* An outer address that this server answers for: its own endpoint, its datacenter's. */
struct su_local {
	__be32 address_be; /* 0: entry unused, accepts nothing */
	__u32 accept;	   /* bit 1 << enum su_encapsulation for each that is decapsulated */
	__be32 gre_key_be; /* the key that SU_ENCAP_GRE_KEY must carry */
	__u32 pad;
};
_Static_assert(sizeof(struct su_local) == 16, "su_local");

struct su_settings {
	struct su_local locals[SU_LOCALS];
	__u64 generation; /* counts the daemon's completed applies; not read by the packet path */
};
_Static_assert(sizeof(struct su_settings) == 72, "su_settings");

/*
 * All tables that user space writes, through mmap and while packets flow: one array map with one element, pinned below the
 * daemon's pin folder, in a folder named v<SU_ABI_VERSION>, as su_tables. Beside it lie two per-CPU arrays of su_counter:
 * su_counters, by reason, and su_endpoint_counters, by endpoint. What stays here is SU_DELIVERED and SU_DECAPSULATED.
 */
struct su_tables {
	__u16 rows[SU_ROW_SLOTS];
	struct su_endpoint endpoints[SU_ENDPOINTS];
	struct su_prefix l2[SU_L2_ENTRIES];
	__u16 l1[SU_L1_ENTRIES];
	struct su_interface interfaces[SU_INTERFACES];
	struct su_settings settings;
	__u8 pad[56];
};
_Static_assert(sizeof(struct su_tables) == 8388608 + 2097152 + 524288 + 131072 + 32768 + 128, "su_tables");

struct su_counter {
	__u64 packets;
	__u64 bytes; /* of the frame as it arrived */
};
_Static_assert(sizeof(struct su_counter) == 16, "su_counter");

/* What a packet got. The XDP action follows: PASS and DECAPSULATE XDP_PASS, DROP XDP_DROP, the rest XDP_TX or XDP_REDIRECT. */
enum su_verdict {
	SU_PASS = 0,
	SU_STEER = 1,
	SU_DECAPSULATE = 2,
	SU_TRANSIT = 3,
	SU_ANSWER = 4,
	SU_DROP = 5,
};

/* Why. Append-only: numbers are in pinned counters. Each stands in docs/counters.md and has a test that makes it. */
enum su_reason {
	SU_NOT_OURS = 0,	  /* pass: neither an egress address nor a tunnel packet for us */
	SU_UNREADABLE = 1,	  /* pass: cut short before its destination could be read */
	SU_DELIVERED = 2,	  /* pass: landed on the owner */
	SU_STEERED = 3,		  /* steer: to the owner or to the owner's datacenter */
	SU_DECAPSULATED = 4,	  /* decapsulate: out of a tunnel, owned here */
	SU_CARRIED_ON = 5,	  /* transit: out of one tunnel into another */
	SU_ECHO_ANSWERED = 6,	  /* answer: echo request answered where it landed */
	SU_UNOWNED = 7,		  /* drop: no server owns the slice */
	SU_UNRESOLVED = 8,	  /* drop: the endpoint's next hop is not known */
	SU_RANK = 9,		  /* drop: would have to climb back */
	SU_ROLE = 10,		  /* drop: not on an interface of this role */
	SU_UNKNOWN_PEER = 11,	  /* drop: tunnel packet from an address that is no peer */
	SU_TUNNEL_HEADER = 12,	  /* drop: GUE or GRE header malformed, or with options that are not carried */
	SU_TUNNEL_KEY = 13,	  /* drop: GRE key missing, unexpected or wrong */
	SU_INNER_NOT_EGRESS = 14, /* drop: out of the tunnel came something that is for no egress address */
	SU_OPENS = 15,		  /* drop: would open a connection from outside */
	SU_FRAGMENT = 16,	  /* drop: a later fragment, without ports */
	SU_TOO_BIG = 17,	  /* drop: larger than the tunnel's MTU */
	SU_PROTOCOL = 18,	  /* drop: neither TCP, UDP, SCTP nor ICMP */
	SU_ICMP_TYPE = 19,	  /* drop: ICMP that is neither echo nor an error */
	SU_ICMP_QUOTE = 20,	  /* drop: the quoted packet did not come from the egress address, or quotes no ports */
	SU_MALFORMED = 21,	  /* drop: for us, but cut short or with lengths that contradict each other */
	SU_TTL = 22,		  /* drop: TTL used up */
	SU_ECN = 23,		  /* drop: congestion marked outside, not ECN-capable inside (RFC 6040 4.2) */
	SU_HEADROOM = 24,	  /* drop: the driver left no room for the outer header */
	SU_REASONS = 25,
};

/*
 * The guard: what may leave with an egress source address. Beside su_tables, which it reads, it has a per-CPU array of
 * su_counter by reason, su_guard_counters, and a ring buffer of su_guard_event, su_guard_events.
 */
#define SU_GUARD_EVENT_BYTES 65536	    /* of the ring */
#define SU_GUARD_EVENT_PAUSE_NS 100000000ULL /* between two events of one CPU */

/* Why the guard let a packet go or did not. Append-only. Each stands in docs/counters.md and has a test that makes it. */
enum su_guard_reason {
	SU_GUARD_NOT_EGRESS = 0,  /* pass: its source is no egress address, or it is not IPv4 */
	SU_GUARD_OWNED = 1,	  /* pass: its source port is owned here */
	SU_GUARD_UNOWNED = 2,	  /* drop: no server owns its source port */
	SU_GUARD_FOREIGN = 3,	  /* drop: another server owns its source port */
	SU_GUARD_FRAGMENT = 4,	  /* drop: a later fragment, without ports */
	SU_GUARD_PROTOCOL = 5,	  /* drop: neither TCP, UDP, UDP-Lite, SCTP nor ICMP */
	SU_GUARD_ICMP_TYPE = 6,	  /* drop: ICMP that is neither echo nor an error */
	SU_GUARD_ICMP_QUOTE = 7,  /* drop: the quoted packet did not come to the source address, or quotes no ports */
	SU_GUARD_UNREADABLE = 8,  /* drop: cut short, behind more than two VLAN tags, or with lengths that contradict each other */
	SU_GUARD_REASONS = 9,
};

/* A packet that was dropped; most of them say so only in the counters. What could not be read is 0. */
struct su_guard_event {
	__u64 socket_cookie;	/* SO_COOKIE of the socket that sent it; 0: no socket of this server */
	__u64 cgroup_id;	/* of that socket's cgroup: the inode of its folder */
	__be32 source_be;
	__be32 destination_be;
	__u32 out_ifindex;	/* where it would have left */
	__u32 in_ifindex;	/* where it came in; 0: it was made here */
	__u32 mark;
	__u32 uid;		/* owner of the socket; means nothing without one */
	__u32 missed;		/* drops of this CPU since its last event */
	__u16 source_port;	/* the one that is not owned: port, echo identifier, or the quoted packet's destination port */
	__u16 destination_port; /* of ICMP errors: the quoted packet's source port; of echo: 0 */
	__u8 protocol;		/* of IPv4 */
	__u8 reason;		/* enum su_guard_reason */
	__u8 pad[6];
};
_Static_assert(sizeof(struct su_guard_event) == 56, "su_guard_event");

/*
 * The port chooser (choose.bpf.c): which slices the programs of a cgroup send from. Pinned hash maps beside links, in a
 * folder of their own: su_choosers and su_choice_counters (per CPU), both by cgroup id.
 */
#define SU_CHOOSERS 4096	    /* cgroups, at most */
#define SU_CHOOSER_SLICES 64	    /* slices a cgroup, at most */
#define SU_CHOOSER_LEVELS 10	    /* how deep below the root of cgroup2 an enrolled cgroup may lie */

/* Bits of su_chooser.flags. */
#define SU_CHOOSER_DATAGRAMS_NATED 1 /* datagrams of unconnected sockets are translated behind; else they are refused */

/* 8 bytes, read as one word. */
struct su_chooser_slice {
	__be32 address_be;
	__u16 first_port;
	__u16 port_count; /* a power of two, 256 to 32768 */
};
_Static_assert(sizeof(struct su_chooser_slice) == 8, "su_chooser_slice");

/* Slices of one address stand together: a full one is followed by the next of its address, then by the next address. */
struct su_chooser {
	__u32 count; /* slices that count, 1 to SU_CHOOSER_SLICES */
	__u32 flags; /* SU_CHOOSER_* */
	struct su_chooser_slice slices[SU_CHOOSER_SLICES];
};
_Static_assert(sizeof(struct su_chooser) == 8 + 8 * SU_CHOOSER_SLICES, "su_chooser");

/* What became of a socket of an enrolled cgroup. Append-only: numbers are in pinned counters. */
enum su_choice {
	SU_CHOICE_TCP = 0,		/* got a port, for a TCP connection */
	SU_CHOICE_UDP = 1,		/* got a port, for a connected UDP socket */
	SU_CHOICE_NEXT_SLICE = 2,	/* a slice was full for the destination: went on to the next */
	SU_CHOICE_TIME_WAIT = 3,	/* got a port that a closed connection still keeps, for want of another */
	SU_CHOICE_EXHAUSTED = 4,	/* refused, EADDRNOTAVAIL: no slice has a port left for the destination */
	SU_CHOICE_DATAGRAM_REFUSED = 5, /* refused, EADDRNOTAVAIL: datagram of an unconnected socket, and no NAT */
	SU_CHOICE_DATAGRAM_PASSED = 6,	/* let go: datagram of an unconnected socket, for NAT */
	SU_CHOICE_BOUND = 7,		/* let go: the program has bound the socket itself */
	SU_CHOICE_FAILED = 8,		/* refused, with the error of the bind: no route to the address, for one */
	SU_CHOICE_PROBES = 9,		/* ports looked at, for all of them */
	SU_CHOICES = 10,
};

struct su_choice_counters {
	__u64 by_choice[SU_CHOICES];
};
_Static_assert(sizeof(struct su_choice_counters) == 8 * SU_CHOICES, "su_choice_counters");

/*
 * Dispatch (dispatch.bpf.c): which socket takes what comes in, by protocol, destination address and destination port.
 *
 *   half = halves[half & 1]                              the half that user space does not write now
 *   half.classes_by_port[TCP or UDP][port] --+-> class   the bindings of this port: a range of v4[] and one of v6[]
 *   half.any_port_class[TCP or UDP] ---------+           those of any port; the longer prefix of the two wins
 *   v4[first .. first + count)                           sorted by start, the first one 0: the last whose start is not
 *                                                        above the address says which of the class's bindings; 0: none
 *   v4_index[index_first + bucket]                       between which two of these it is, for bucket = (address - base) >> shift
 *   class_bindings[bindings_first + which - 1]           the binding, and its target
 *   targets[target] --> su_dispatch_sockets[target * SU_TARGET_SLOTS + slot]
 *
 * Ports whose bindings have the same prefixes share ranges and index, so that what a lookup reads stays in the caches.
 */
#define SU_DISPATCH_CLASSES 32768 /* 0 is never used: no binding */
#define SU_DISPATCH_RANGES 131072 /* of v4, of v6, and of class_bindings */
#define SU_DISPATCH_RANGES_LOG2 17
#define SU_DISPATCH_INDEX 262144 /* of v4_index */
#define SU_BINDINGS 32768 /* 0 is never used; two whole tables, so that any can take the place of any */
#define SU_TARGETS 4096	  /* 0 is never used */
#define SU_TARGET_SLOTS 16
#define SU_LABEL_BYTES 56

/* What the bindings of one port are, as ranges of addresses. */
struct su_dispatch_class {
	__u32 v4_first; /* index of v4[] */
	__u32 v4_count; /* 0: none */
	__u32 v6_first;
	__u32 v6_count;
	__u32 v4_index_first; /* index of v4_index[] */
	__u32 v4_base;	      /* the address that bucket 0 begins with; nothing is bound below it */
	__u32 bindings_first; /* index of class_bindings[] */
	__u8 v4_bucket_bits;  /* log2 of the number of buckets; 0: no index, for few ranges */
	__u8 v4_shift;	      /* log2 of addresses a bucket */
	__u16 pad;
};
_Static_assert(sizeof(struct su_dispatch_class) == 32, "su_dispatch_class");

/* Addresses from start up to the next range's start. Read as one word. */
struct su_dispatch_v4 {
	__u32 start;
	__u16 which;	   /* of the class's bindings, from 1; 0: none */
	__u8 prefix_bits;  /* of the binding */
	__u8 pad;
};
_Static_assert(sizeof(struct su_dispatch_v4) == 8, "su_dispatch_v4");

struct su_dispatch_v6 {
	__u64 start_high; /* the first 64 bits of the address, as a number */
	__u64 start_low;
	__u16 which;
	__u8 prefix_bits;
	__u8 pad[5];
};
_Static_assert(sizeof(struct su_dispatch_v6) == 24, "su_dispatch_v6");

/* One whole table of bindings. Built aside, made live by one store of su_dispatch.half, left alone for a grace period. */
struct su_dispatch_half {
	__u16 classes_by_port[2][65536]; /* TCP, UDP */
	__u16 any_port_class[2];
	__u32 binding_count;
	struct su_dispatch_class classes[SU_DISPATCH_CLASSES];
	struct su_dispatch_v4 v4[SU_DISPATCH_RANGES];
	struct su_dispatch_v6 v6[SU_DISPATCH_RANGES];
	__u32 v4_index[SU_DISPATCH_INDEX]; /* two ranges, counted from the class's first: lower half, upper half */
	__u32 class_bindings[SU_DISPATCH_RANGES]; /* index of bindings[] in the lower half, of targets[] in the upper */
	__u64 bindings_in_use[SU_BINDINGS / 64]; /* bit by binding; not read by the program */
};
_Static_assert(sizeof(struct su_dispatch_half) == 262144 + 8 + 1048576 + 1048576 + 3145728 + 1048576 + 524288 + 4096, "su_dispatch_half");

/* What a binding is: unchanged while a half says that it is in use. Not read by the program. */
struct su_binding {
	__u8 network[16]; /* as on the wire; IPv4 in the first 4 */
	__u16 first_port;
	__u16 last_port;
	__u8 prefix_bits;
	__u8 family;	  /* 4, 6 */
	__u8 protocol;	  /* 6 TCP, 17 UDP */
	__u8 pad[9];
};
_Static_assert(sizeof(struct su_binding) == 32, "su_binding");

/* The sockets of a label that take one protocol over one family. */
struct su_target {
	__u8 label[SU_LABEL_BYTES]; /* padded with 0; the first 0: entry unused */
	__u8 protocol;
	__u8 family;
	__u8 slots;	 /* 1 + the highest slot in use */
	__u8 pad;
	__u16 exact;	 /* bit by slot: this very socket, and not its SO_REUSEPORT group */
	__u16 pad2;
};
_Static_assert(sizeof(struct su_target) == 64, "su_target");

/* Lookups of one binding: TCP connections that open, and UDP packets but for those of connected sockets. */
struct su_dispatch_counter {
	__u64 hits;
	__u64 misses; /* no live socket */
	__u64 errors; /* the kernel refused the socket */
};
_Static_assert(sizeof(struct su_dispatch_counter) == 24, "su_dispatch_counter");

/*
 * The element of the map of counters: those of many bindings, for each element costs the program a pointer; and the hits, which alone
 * are written on the usual way, close together. The kernel's most is 32 KiB.
 */
#define SU_COUNTER_BLOCK 1024
struct su_dispatch_counters {
	__u64 hits[SU_COUNTER_BLOCK];
	__u64 misses[SU_COUNTER_BLOCK];
	__u64 errors[SU_COUNTER_BLOCK];
};
_Static_assert(sizeof(struct su_dispatch_counters) == 24576, "su_dispatch_counters");

/*
 * The key of the hits by local address, a u64 a CPU: which addresses of a prefix are asked for. LRU: when there are about
 * SU_DISPATCH_ADDRESSES, one that has not been asked for for long makes room, and its count is gone.
 */
#define SU_DISPATCH_ADDRESSES 65536
struct su_dispatch_address {
	__be32 address_be[4]; /* as on the wire; IPv4 as ::ffff:a.b.c.d */
};
_Static_assert(sizeof(struct su_dispatch_address) == 16, "su_dispatch_address");

/*
 * Pinned as su_dispatch. Beside it: su_dispatch_sockets (SOCKMAP), su_dispatch_counts (su_dispatch_counters, per CPU),
 * su_dispatch_addresses (LRU hash of u64 by su_dispatch_address, per CPU).
 */
struct su_dispatch {
	struct su_dispatch_half halves[2];
	struct su_binding bindings[SU_BINDINGS];
	struct su_dispatch_counter counted_before[SU_BINDINGS]; /* what its counters said when the binding was made */
	struct su_target targets[SU_TARGETS];
	__u16 binding_targets[SU_BINDINGS]; /* index of targets[], as constant as the binding; not read by the program */
	__u32 half;	  /* 0, 1 */
	__u32 counts_addresses; /* 0: no hit is counted for its address; beside half, which each lookup reads */
	__u64 generation; /* counts completed applies; not read by the program */
	__u8 pad2[48];
};
_Static_assert(sizeof(struct su_dispatch) == 2 * 7081992 + 1048576 + 786432 + 262144 + 65536 + 64, "su_dispatch");

#endif
