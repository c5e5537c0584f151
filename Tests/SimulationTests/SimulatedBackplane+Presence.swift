import Backplane
import Broker

extension SimulatedBackplane {
    private var lease: UInt64 { simulation.scenario.limits.presenceLeaseMilliseconds }

    func enter(_ channel: ChannelName, _ member: MemberID, transport: String, details: [UInt8]) {
        way(to: channel).ask { [self] in
            $0.enter(channel, member, node: name, lease: lease)
        } _: { _ in
        }
    }

    func renew(_ channel: ChannelName, _ members: [(id: MemberID, transport: String)]) {
        let names = members.map(\.id)
        way(to: channel).ask { [self] in
            $0.renew(channel, names, node: name, lease: lease)
        } _: { [self] outcome in
            if case .success(let found) = outcome {
                delegate?.renewed(channel, lost: found.lost, missing: found.missing)
            }
        }
    }

    func leave(_ channel: ChannelName, _ member: MemberID) {
        way(to: channel).ask { [self] in
            $0.leave(channel, member, node: name)
        } _: { _ in
        }
    }
}
