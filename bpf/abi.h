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

#endif
