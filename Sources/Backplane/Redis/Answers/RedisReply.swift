internal import Broker
internal import CHiredis

/// A view of one reply while it is handled; its reader frees it afterwards.
///
/// What Redis says is not believed: an element that is not there, or of another type than was expected, is nothing, and
/// every number is whatever 64 bits can say. Source: hiredis' `redisReply`.
struct RedisReply {
    private let raw: UnsafeMutablePointer<redisReply>?

    init(raw: UnsafeMutablePointer<redisReply>?) { self.raw = raw }

    /// The text of an error reply: as much of it as goes into a log.
    var error: String? {
        guard raw?.pointee.type == REDIS_REPLY_ERROR else { return nil }
        return String(decoding: bytes.prefix(Self.errorBytesMax), as: UTF8.self)
    }

    private static let errorBytesMax = 512

    var isInteger: Bool { raw?.pointee.type == REDIS_REPLY_INTEGER }

    /// The bytes of a string, status or error; none for anything else.
    var bytes: UnsafeRawBufferPointer {
        guard let raw, let start = raw.pointee.str else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(start: start, count: Int(clamping: raw.pointee.len))
    }

    /// Whether it is a string, which may be empty.
    var isString: Bool { raw?.pointee.type == REDIS_REPLY_STRING }

    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// An integer; 0 for anything else. It may be negative, and as large as it likes.
    var integer: Int { isInteger ? Int(raw?.pointee.integer ?? 0) : 0 }

    /// Whether it is the integer 0.
    var isZero: Bool { isInteger && integer == 0 }

    /// Whether it is an array, which may be empty.
    var isArray: Bool { raw?.pointee.type == REDIS_REPLY_ARRAY }

    /// Elements of an array; 0 for anything else.
    var count: Int {
        guard let raw, raw.pointee.type == REDIS_REPLY_ARRAY, raw.pointee.element != nil else { return 0 }
        return Int(clamping: raw.pointee.elements)
    }

    subscript(index: Int) -> RedisReply {
        RedisReply(raw: index >= 0 && index < count ? raw?.pointee.element?[index] : nil)
    }

    var position: Position? { Position(utf8: bytes) }
}
