import Edge
import Foundation
import PerseidClient

/// Follows what nodes say of themselves, and comes back when that is lost, until it is refused for good.
///
/// Thread: one of its own, in which both functions are called.
final class FactsFollower: Sendable {
    /// How it stands.
    enum State: Sendable {
        case connecting
        case connected
        case lost(String)
        /// For good.
        case refused(String)
    }

    /// The channel in which nodes say how they are.
    private static let channel = "$nodes"

    private let client: PerseidClient
    private let take: @Sendable (_ line: [UInt8], NodeFacts) -> Void
    private let tell: @Sendable (State) -> Void

    init(
        client: PerseidClient,
        take: @escaping @Sendable (_ line: [UInt8], NodeFacts) -> Void,
        tell: @escaping @Sendable (State) -> Void
    ) {
        (self.client, self.take, self.tell) = (client, take, tell)
    }

    func start() {
        Thread.detachNewThread { [self] in
            do { try Blocking.run { await self.follow() } } catch { tell(.refused("\(error)")) }
        }
    }

    private func follow() async {
        var log = ConnectionLog(isSilent: true)
        do throws(PerseidError) {
            for try await event in client.subscribe(Self.channel).events {
                switch event {
                case .message(let message): take(message.bytes)
                case .connection(let state):
                    note(state)
                    if let error = log.note(state) { return tell(.refused(error.advice)) }
                case .gap, .opened: break
                }
            }
        } catch {
            tell(.refused(error.advice))
        }
    }

    private func note(_ state: ConnectionState) {
        switch state {
        case .connecting: tell(.connecting)
        case .open: tell(.connected)
        case .waiting(let error, let address, _):
            tell(.lost("\(address.split(separator: "/").last ?? "\(address)"): \(error)"))
        case .complaint(let error): tell(.lost("\(error)"))
        }
    }

    /// What is no facts is passed over: it may be of another version, or of nobody's.
    private func take(_ line: [UInt8]) {
        guard let facts = try? JSONDecoder().decode(NodeFacts.self, from: Data(line)) else { return }
        take(line, facts)
    }
}
