import Broker

extension SimulatedRedis {
    /// Who is present in a channel: by which node, and until when if nobody renews it.
    struct PresentMember {
        var node: String
        var leaseEnd: UInt64
    }

    /// `perseid_enter`.
    func enter(_ channel: ChannelName, _ member: MemberID, node: String, lease: UInt64) {
        sweep(channel)
        keys.presence[channel, default: [:]][member] = PresentMember(node: node, leaseEnd: clock + lease)
    }

    /// `perseid_renew`; returns those that are another node's now, and those that are not there.
    func renew(
        _ channel: ChannelName,
        _ members: [MemberID],
        node: String,
        lease: UInt64
    ) -> (lost: [MemberID], missing: [MemberID]) {
        var (lost, missing): ([MemberID], [MemberID]) = ([], [])
        for member in members {
            switch keys.presence[channel]?[member]?.node {
            case nil: missing.append(member)
            case node?: keys.presence[channel]?[member]?.leaseEnd = clock + lease
            default: lost.append(member)
            }
        }
        sweep(channel)
        return (lost, missing)
    }

    /// `perseid_leave`.
    func leave(_ channel: ChannelName, _ member: MemberID, node: String) {
        if keys.presence[channel]?[member]?.node == node { keys.presence[channel]?[member] = nil }
    }

    /// Those whose lease is not over.
    func members(of channel: ChannelName) -> [MemberID: PresentMember] {
        (keys.presence[channel] ?? [:]).filter { $0.value.leaseEnd > clock }
    }

    private func sweep(_ channel: ChannelName) {
        keys.presence[channel] = members(of: channel)
    }
}
