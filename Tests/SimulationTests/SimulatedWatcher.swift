import Broker
import Hub
import Wire

/// A client that reads all channels by a pattern, on one connection. In each channel a publication is to follow the one before it, and
/// all that was published since it knows that it is subscribed is to come.
final class SimulatedWatcher {
    static let pattern = ChannelName("*")!
    /// What a message of it has for a channel's number.
    static let number = -1

    private unowned let simulation: Simulation
    let connection: SimulatedConnection
    private var reader = MessageReader(.eventStream, .plain(isChunked: false))
    /// Where each channel stood when it learnt that it is subscribed: not just when that was, for much may be published in one
    /// millisecond, before and after.
    private var since: [Int: Position]?
    private var reached: [Int: Position] = [:]

    /// What it was told of keyed channels.
    private var told = Standing()

    init(_ simulation: Simulation, on edge: SimulatedEdge) {
        self.simulation = simulation
        connection = edge.accept()
        edge.open(
            connection,
            SimulatedOpening(carrier: .eventStream, channels: [Self.pattern], cursor: [:], session: .none)
        )
    }

    var isGone: Bool { connection.isCut || connection.isClosed || connection.isShut }

    var isAtRest: Bool {
        since == nil
            || simulation.channels.allSatisfy {
                reached[simulation.number(of: $0)] == simulation.head(of: $0) || isBefore($0)
            }
    }

    /// Whether nothing was published in a channel since it knows that it is subscribed.
    private func isBefore(_ channel: ChannelName) -> Bool {
        simulation.head(of: channel) <= since?[simulation.number(of: channel)] ?? .start
    }

    var text: String { "a watcher of \(connection.edge.name) stands at \(reached.mapValues { "\($0)" })" }

    func step() {
        do {
            try reader.append(connection.read(connection.unread.count))
            while let told = try reader.next() { take(told.message) }
        } catch {
            simulation.verifier.fail(.order, "a watcher was sent bytes that are no message: \(error)")
        }
    }

    private func take(_ message: Message) {
        switch message {
        case .subscribed(Self.number, let position, _):
            since = Dictionary(
                uniqueKeysWithValues: simulation.channels.map { channel in
                    (simulation.number(of: channel), max(position, simulation.head(of: channel)))
                }
            )
        case .publication(let channel, let position, let number, _):
            guard let entry = simulation.verifier.entries[number], entry.position == position else {
                return simulation.verifier.fail(.backplane, "a watcher was told \(number) at \(position)")
            }
            if simulation.isKeyed(entry.channel) {
                checkNothingLeftOut(number, entry, channel)
            } else {
                check(channel, from: entry.previous)
            }
            reached[channel] = position
        case .gap(let channel, let from, let to):
            check(channel, from: from)
            reached[channel] = to
        case .ephemeral, .welcome, .ping, .bye, .subscribed, .unsubscribed, .refused: break
        }
    }

    /// In a keyed channel positions go up, and only what was replaced is left out.
    private func checkNothingLeftOut(_ number: Int, _ entry: Verifier.Entry, _ channel: Int) {
        told.received.insert(number)
        let known = reached[channel]
        let since = simulation.scenario.clockGoesBack ? nil : since?[channel]
        guard let low = known ?? since, !entry.isLost else { return }
        let left = simulation.verifier.unreplaced(in: entry.channel, after: low, before: entry.position, for: told)
        simulation.verifier.expect(
            left.isEmpty && entry.position > known ?? .start,
            .continuity,
            "\(text): \(left) are left out before \(entry.position)"
        )
    }

    /// A clock that went back says nothing about what was before.
    private func check(_ channel: Int, from position: Position) {
        if let reached = reached[channel] {
            let text = "\(text): in \(channel) what follows \(position) is told"
            return simulation.verifier.expect(position == reached, .continuity, text)
        }
        guard let since = since?[channel], !simulation.scenario.clockGoesBack else { return }
        let missed = simulation.verifier.kept(in: simulation.channels[channel], after: since, upTo: position)
        simulation.verifier.expect(
            missed.isEmpty,
            .continuity,
            "\(text) and missed \(missed) of \(channel) since \(since)"
        )
    }
}
