internal import Broker
internal import CHiredis

/// A view of one reply while it is handled; the link frees it afterwards.
///
/// Source: hiredis' `redisReply`.
struct RedisReply {
    let raw: UnsafeMutablePointer<redisReply>

    /// The text of an error reply.
    var error: String? {
        raw.pointee.type == REDIS_REPLY_ERROR ? text : nil
    }

    /// The bytes of a string, status or error.
    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: raw.pointee.str, count: raw.pointee.str == nil ? 0 : Int(clamping: raw.pointee.len))
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }

    var integer: Int { Int(raw.pointee.integer) }

    /// Whether it is the integer 0.
    var isZero: Bool { raw.pointee.type == REDIS_REPLY_INTEGER && raw.pointee.integer == 0 }

    /// Elements of an array; 0 for anything else.
    var count: Int { raw.pointee.type == REDIS_REPLY_ARRAY ? Int(clamping: raw.pointee.elements) : 0 }

    // bounded: hiredis makes an array whole or not at all; the caller stays below `count`
    subscript(index: Int) -> RedisReply { RedisReply(raw: raw.pointee.element[index]!) }

    var position: Position? { Position(utf8: bytes) }
}
