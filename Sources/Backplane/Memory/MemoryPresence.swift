internal import Broker

/// The members of an embedded node's channels, as Redis has those of a cluster.
///
/// Thread: owned by the uplink, inside its backplane.
struct MemoryPresence {
    private var members: [ChannelName: [MemberID: Member]] = [:]

    /// Adds a member; returns what is told of it if it is new.
    mutating func enter(
        _ channel: ChannelName,
        _ id: MemberID,
        transport: String,
        details: [UInt8],
        node: String,
        now: UInt64
    ) -> Payload? {
        let known = members[channel]?[id]
        let since = known?.sinceMilliseconds ?? now
        let member = Member(
            id: id,
            node: node,
            transport: transport,
            sinceMilliseconds: since,
            details: details
        )
        members[channel, default: [:]][id] = member
        return known == nil ? Self.event("join", member) : nil
    }

    /// Removes a member; returns what is told of it.
    mutating func leave(_ channel: ChannelName, _ id: MemberID) -> Payload? {
        guard let member = members[channel]?.removeValue(forKey: id) else { return nil }
        if members[channel]?.isEmpty == true { members[channel] = nil }
        return Self.event("leave", member)
    }

    func list(_ channel: ChannelName, limit: Int) -> PresenceList {
        let all = members[channel] ?? [:]
        return PresenceList(count: all.count, members: Array(all.values.prefix(limit)))
    }

    /// Nothing in it needs to be escaped: a node's name and a transport are plain words. What is told of who it is goes on where that
    /// ends, without its first brace.
    private static func event(_ name: String, _ member: Member) -> Payload {
        let text =
            #"{"event":"\#(name)","id":"\#(member.id)","node":"\#(member.node)","#
            + #""transport":"\#(member.transport)","since":\#(member.sinceMilliseconds)"#
        let rest = member.details.isEmpty ? Array("}".utf8) : Array(",".utf8) + member.details.dropFirst()
        return Payload(kind: .json, bytes: Array(text.utf8) + rest)
    }
}
