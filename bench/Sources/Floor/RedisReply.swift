/// One reply of the Redis protocol (RESP2); all of it points into the received bytes.
enum RedisReply {
    case integer(Int)
    case bulk(UnsafeRawBufferPointer)
    case array([RedisReply])
    /// A status or an error: nothing the floor asks for.
    case line(UnsafeRawBufferPointer)
}
