import Backplane
import Broker

extension SimulatedBackplane {
    private var lease: UInt64 { simulation.scenario.limits.presenceLeaseMilliseconds }

    func enter(_ channel: ChannelName, _ member: MemberID, transport: String, details: [UInt8]) {
        ask { [self] in
            simulation.redis.enter(channel, member, node: name, lease: lease)
        } _: { _ in
        }
    }

    func renew(_ channel: ChannelName, _ members: [(id: MemberID, transport: String)]) {
        let names = members.map(\.id)
        ask { [self] in
            simulation.redis.renew(channel, names, node: name, lease: lease)
        } _: { [self] outcome in
            if case .success(let found) = outcome {
                delegate?.renewed(channel, lost: found.lost, missing: found.missing)
            }
        }
    }

    func leave(_ channel: ChannelName, _ member: MemberID) {
        ask { [self] in
            simulation.redis.leave(channel, member, node: name)
        } _: { _ in
        }
    }
}
