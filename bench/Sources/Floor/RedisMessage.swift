/// A publication as it comes on a connection that subscribes.
struct RedisMessage {
    let channelName: String
    let payload: UnsafeRawBufferPointer

    /// nil for the confirmation of a subscription, whose last element is a number.
    init?(_ reply: RedisReply) {
        guard case .array(let elements) = reply, elements.count == 3 else { return nil }
        guard case .bulk(let name) = elements[1], case .bulk(let payload) = elements[2] else { return nil }
        channelName = String(decoding: name, as: UTF8.self)
        self.payload = payload
    }
}
