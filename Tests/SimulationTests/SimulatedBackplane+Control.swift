import Backplane
import Broker

// Nobody runs the simulated cluster: its clients never make these be asked.
extension SimulatedBackplane {
    func ask(_ question: ClusterQuestion, number: UInt64) { delegate?.announced(number, .failure(.unavailable)) }

    func reply(_ part: ClusterPart, to call: ClusterCall) {}

    func tell(_ payload: Payload, in channel: ChannelName) { delegate?.told(channel, .success(0)) }

    func clear(_ channel: ChannelName, isKeyed: Bool, for ticket: Ticket) { refuse(ticket) }

    func revoke(_ revocation: Revocation, for ticket: Ticket) { refuse(ticket) }

    func list(_ inventory: Inventory, for ticket: Ticket) { refuse(ticket) }

    func inspect(_ session: SessionID, for ticket: Ticket) { refuse(ticket) }

    func end(_ session: SessionID, for ticket: Ticket) { refuse(ticket) }

    // Nobody is told who is gone, either.
    var keepsWills: Bool { false }

    func openWill(_ will: WillID, replacing old: WillID?) {}

    func dropWill(_ will: WillID) {}

    func writeWill(_ will: WillID, _ changes: [WillChange]) {}

    func renewWill(_ will: WillID, executing: WillID?, seeks: Bool) {}

    func executeWill(_ will: WillID, done: [[UInt8]], countMax: Int) {}

    func readFence(of session: SessionID, for entry: [UInt8]) {}

    func spend(_ spending: RateSpending) { delegate?.spent(spending.ticket, .failure(.unavailable)) }

    private func refuse(_ ticket: Ticket) { delegate?.controlled(ticket, .failure(.unavailable)) }
}
