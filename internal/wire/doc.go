// Package wire defines the bytes that s2c sends: the clear part of sealed
// packets, what is inside them, and the messages between member and hub. It
// parses and appends; it never does I/O.
//
// A sealed packet, which travels as one datagram:
//
//	+-----------+------------------+----------------------------+---------+
//	| clear u8  | SFrame header    | sealed payload             | tag 16  |
//	| ver 2     | config u8        | voice, video items or      |         |
//	| kind 3    | KID 0-3, CTR 0-7 | control, by KID's stream   |         |
//	| layer 3   | (RFC 9605)       |                            |         |
//	+-----------+------------------+----------------------------+---------+
//
// Inside, by stream (integers are big-endian; times are milliseconds of the
// sender's clock modulo 2^32):
//
//	voice    index u16 | time u32 | flags u8 | Opus packet
//	video    one or more items: len u16 | id u16 | ref u16 | time u32 |
//	         part u8 | parts u8 | len bytes of the picture
//	         (the top bit of len: pixels twice as high as wide)
//	control  type u8 = 1 | time u32 | flags u8 | digest [32]     Heartbeat
//	         type u8 = 2 | slot u16 | have u16 | none u8 | layer u8   PictureRequest
//	         type u8 = 3 | n u8 | n times: slot u16 | loss u8    LossReport
//	         type u8 = 4 | up u8 | age u32                     Hand
//	chat     type u8 = 1 | time u32 | text                     Chat
//	         type u8 = 2 | time u32 | text                     Reaction
//
// Another datagram, which is not sealed, asks the hub to send pictures again. A
// hub of before knows none and drops it:
//
//	type u8 = 0x40 | KID u24 | first CTR u64 | bits u64         Nack
//
// And another one, also not sealed, is how the hub tells which pictures it has left
// out. A member of before drops it:
//
//	type u8 = 0x41 | KID u24 | first CTR u64 | count u16        Skip
//
// A message, which is reliable and in order, is a type byte and a body:
//
//	member > hub                              hub > member
//	01 JOIN     hello, cert, door, caps       81 JOINED  slot, token, number of members
//	02 FORWARD  pair message                  82 PEER    slot, hello, cert
//	03 LEAVE                                  83 GONE    slot, hash
//	04 RESUME   token, count                  84 FROM    pair message
//	05 WATCH    whose pictures, and how       85 ERROR   code, text
//	40 SEALED   packet                        86 LAYERS  in what sizes somebody looks
//	41 ACK      count                         87 RESUMED count
//	                                          88 AWAY    slot, hash, whether
//	                                          40 SEALED  packet
//	                                          41 ACK     count
//
// A member whose connection broke may RESUME its place for some time, over
// another connection and with the keys that it has. Each end tells the other how
// many of its messages have come, and sends those again that have not: none is
// lost and none comes twice.
//
// The hub hands a SEALED packet, which is of the chat stream, unchanged to all
// others in the session.
//
// A pair message goes from one member to another through the hub, which reads
// no more of it than the two hashes: type u8 | from [32] | to [32] | body.
package wire

import "errors"

// ErrMalformed is returned by the Parse functions for bytes that no version of
// s2c sends.
var ErrMalformed = errors.New("malformed packet")
