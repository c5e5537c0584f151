/// What a message of Bayeux is answered. Its channel and its id are the client's own, echoed.
public struct BayeuxReply {
    /// As the client wrote it.
    public var channel: String?
    /// The client's own JSON.
    public var id: [UInt8]?
    /// Of a session that was opened, or whose client connects.
    public var clientID: String?
    /// The client's own JSON.
    public var subscription: [UInt8]?
    /// Why it is not done; `nil` where it is.
    public var fault: BayeuxFault?
    /// Only on handshakes and connects: elsewhere it confuses clients.
    public var advice: BayeuxAdvice?
    /// Ways to connect that a handshake is told.
    public var connectionTypes: [StaticString]?
    /// `ext.ack`: that a handshake is granted it, or which connect reply this is.
    public var ack: Ack?
    /// `ext.replay`: that a handshake is granted it.
    public var grantsReplay = false
    /// `ext.timesync`
    public var clock: Clock?
    /// `ext.gaps`: what of its channels is gone for good.
    public var gaps: [Gap] = []

    /// See `ack`.
    public enum Ack {
        case granted
        case number(UInt64)
    }

    /// See `clock`.
    public typealias Clock = (of: BayeuxClock, receivedMilliseconds: UInt64, sentMilliseconds: UInt64)

    /// See `gaps`.
    public typealias Gap = (channel: String, from: Envelope.Position, to: Envelope.Position)

    /// The answer to a message; done, unless something is said besides.
    public init(to message: BayeuxMessage, fault: BayeuxFault? = nil) {
        channel = message.channel
        id = message.id
        let isAboutSubscription = [BayeuxChannel.Meta.subscribe, .unsubscribe].contains {
            $0.rawValue == message.channel
        }
        subscription = isAboutSubscription ? message.subscription : nil
        self.fault = fault
    }

    /// The answer to a connect that was held.
    public init(connect id: [UInt8]?, clientID: String) {
        channel = BayeuxChannel.Meta.connect.rawValue
        self.id = id
        self.clientID = clientID
    }

    /// Appends it as an object of JSON.
    public func append(to buffer: inout ByteBuffer) {
        buffer.append(fault == nil ? "{\"successful\":true" : "{\"successful\":false")
        if let channel {
            buffer.append(",\"channel\":")
            buffer.appendJSONString(channel)
        }
        if let id {
            buffer.append(",\"id\":")
            buffer.append(id)
        }
        if let clientID {
            buffer.append(",\"clientId\":")
            buffer.appendJSONString(clientID)
        }
        if let subscription {
            buffer.append(",\"subscription\":")
            buffer.append(subscription)
        }
        if let connectionTypes {
            buffer.append(",\"version\":\"1.0\",\"minimumVersion\":\"1.0\",\"supportedConnectionTypes\":[")
            for (place, type) in connectionTypes.enumerated() {
                if place > 0 { buffer.append(",") }
                buffer.appendJSONString(type)
            }
            buffer.append("]")
        }
        if let fault {
            buffer.append(",\"error\":")
            buffer.appendJSONString(fault.description)
        }
        advice?.append(to: &buffer)
        appendExtensions(to: &buffer)
        buffer.append("}")
    }

    private func appendExtensions(to buffer: inout ByteBuffer) {
        guard ack != nil || grantsReplay || clock != nil || !gaps.isEmpty else { return }
        var members = ByteBuffer()
        if let clock {
            clock.of.append(
                receivedMilliseconds: clock.receivedMilliseconds,
                sentMilliseconds: clock.sentMilliseconds,
                to: &members
            )
        }
        func begin() { if !members.isEmpty { members.append(",") } }
        switch ack {
        case .granted:
            begin()
            members.append("\"ack\":true")
        case .number(let number):
            begin()
            members.append("\"ack\":")
            members.append(decimal: number)
        case nil: break
        }
        if grantsReplay {
            begin()
            members.append("\"replay\":true")
        }
        if !gaps.isEmpty {
            begin()
            append(gaps, to: &members)
        }
        guard !members.isEmpty else { return }
        buffer.append(",\"ext\":{")
        buffer.append(members.bytes)
        buffer.append("}")
    }

    private func append(_ gaps: [Gap], to members: inout ByteBuffer) {
        members.append("\"gaps\":[")
        for (place, gap) in gaps.enumerated() {
            members.append(place > 0 ? ",{\"channel\":" : "{\"channel\":")
            members.appendJSONString("/\(gap.channel)")
            Envelope.append(",\"from\":", gap.from, to: &members)
            Envelope.append(",\"to\":", gap.to, to: &members)
            members.append("}")
        }
        members.append("]")
    }
}
