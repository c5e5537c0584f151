import Broker
import Foundation
import TestRandomness
import Testing

@testable import Backplane
@testable import Reactor

@Suite("Lying Redis")
struct LyingRedisTests {
    /// Connections in all: some thousands, or as many as `PERSEID_LYING_CONNECTIONS` says.
    private static let connections =
        ProcessInfo.processInfo.environment["PERSEID_LYING_CONNECTIONS"].flatMap { Int($0) } ?? 4_000

    @Test(
        "whatever Redis says, no node dies of it, nothing is acknowledged that it did not say, every question is answered once",
        arguments: 1...4 as ClosedRange<UInt64>,
        [false, true]
    )
    func lies(seed: UInt64, isClustered: Bool) throws {
        let redis = try LyingRedis(seed: seed, isClustered: isClustered)
        var limits = Limits()
        limits.reconnectMillisecondsMin = 0
        limits.reconnectMillisecondsMax = 0
        limits.redisReplyBytesMax = 262_144
        // The links do not own it.
        let seat = ReactorSeat()
        defer { withExtendedLifetime(seat) {} }
        var now: UInt64 = Clock.monotonicNanoseconds
        seat.setClock(now)
        let backplane = RedisBackplane(
            deployment: isClustered
                ? .cluster(try #require(RedisClusterSeeds("redis+cluster://127.0.0.1:\(redis.port)")))
                : .masters([try #require(RedisMaster("redis://127.0.0.1:\(redis.port)"))]),
            nodeID: "a",
            facts: "{}",
            limits: limits,
            seat: seat,
            classify: { bytes, kind in Payload(kind: kind ?? .text, bytes: Array(bytes)) },
            report: RedisLinkReport()
        )
        let asker = Asker(backplane, seed: seed)
        let metrics = UplinkMetrics()
        let inbox = try Inbox<UplinkReport>()
        let uplink = Uplink(seat: seat, backplane: backplane, reports: [inbox], limits: limits, metrics: metrics)
        backplane.start(delegate: uplink)
        var wasUp = 0
        var memory: (early: Int, late: Int) = (0, 0)
        while redis.accepted < Self.connections / 4 {
            now += 50_000_000
            seat.setClock(now)
            redis.turn()
            let tokens = (backplane.topology as? RedisCluster)?.tokens ?? [0, 1]
            for token in tokens { backplane.ready(token: token, readiness: [.read, .write]) }
            asker.ask(uplink)
            if let tick = seat.advanceClock() { uplink.tick(tick) }
            _ = uplink.endOfTurn()
            asker.take(inbox)
            if backplane.isUp { wasUp += 1 }
            if redis.accepted < Self.connections / 20 { memory.early = Self.residentBytes }
        }
        memory.late = Self.residentBytes
        #expect(wasUp > Self.connections / 100, "the lies are not so many that nothing else is tried")
        #expect(asker.acknowledged.isSubset(of: redis.positions), "what was acknowledged, Redis said")
        #expect(asker.answeredTwice == 0)
        #expect(asker.mostLeft <= 1_000, "nobody owes more than can be owed")
        #expect(asker.acknowledged.count > Self.connections / 100)
        // Whoever runs more of them runs them alone: what other tests hold is in this number, too.
        if Self.connections >= 100_000 { #expect(memory.late - memory.early < 33_554_432) }
    }

    private static var residentBytes: Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4_096
    }

    /// Asks an uplink for everything, and notes what it is told.
    private final class Asker {
        private var random: SeededGenerator
        private var nextNumber: UInt64 = 0
        private var unanswered: Set<UInt64> = []
        private var sessions: [SessionID] = []
        private var sessionsOpened = 0
        private(set) var acknowledged: Set<Position> = []
        private(set) var answeredTwice = 0
        private(set) var mostLeft: UInt64 = 0

        init(_ backplane: RedisBackplane, seed: UInt64) { random = SeededGenerator(seed: seed &+ 1_000) }

        func ask(_ uplink: Uplink) {
            for _ in 0..<Int.random(in: 0...6, using: &random) { askOnce(uplink) }
        }

        private func askOnce(_ uplink: Uplink) {
            let channel = ChannelName(
                ["a", "b", "$presence/a", "c\(random.next() % 40)"].randomElement(using: &random)!
            )!
            let holder = SessionHolder(reactor: 0, connection: 1)
            switch Int.random(in: 0..<16, using: &random) {
            case 14: uplink.receive(.keepWill(random.next() % 8 > 0))
            case 15:
                let reader = SessionHolder(reactor: 0, connection: random.next() % 20)
                let entry = WillEntry(node: "a", transport: "ws", address: "::1", user: "u", session: sessions.last)
                uplink.receive(Bool.random(using: &random) ? .bequeath(reader, entry) : .forgetReader(reader))
            case 0...3: uplink.receive(.publish(request(channel.text, number: number())))
            case 4: uplink.receive(.watch(channel, reactor: 0))
            case 5: uplink.receive(.unwatch(channel, reactor: 0))
            case 6: uplink.receive(.count(channel, reactor: 0, subscribers: Int.random(in: 0...3, using: &random)))
            case 7:
                uplink.receive(
                    .recover(
                        channel,
                        since: at(UInt64.random(in: 0...9, using: &random)),
                        reactor: 0,
                        isKeyed: .random(using: &random)
                    )
                )
            case 8: uplink.receive(.history(ticket(), channel, since: nil, limit: 10))
            case 9: uplink.receive(.describe(ticket(), channel))
            case 10:
                uplink.receive(.presence(ticket(), channel))
                uplink.receive(
                    .spend(
                        RateSpending(
                            ticket: ticket(),
                            limit: "requests",
                            who: SecretHash(repeatElement(7, count: 32)),
                            microseconds: 5,
                            owedMicrosecondsMax: 1_000
                        )
                    )
                )
            case 11 where sessionsOpened < 200:
                // They are held, and told of again and again, for as long as clients may come back.
                sessionsOpened += 1
                let opened = sessionRequest(.open, number: number())
                sessions.append(opened.id)
                uplink.receive(.session(opened))
            case 12:
                guard let id = sessions.randomElement(using: &random) else { return }
                uplink.receive(
                    .session(sessionRequest(.resume, id: id, number: number(), isPoll: Bool.random(using: &random)))
                )
            default:
                guard let id = sessions.randomElement(using: &random) else { return }
                uplink.receive(.saveSession(id, holder, [SessionPosition(channel, at(1))]))
                uplink.receive(.enter(channel, MemberID(random.next() % 20), transport: "ws", details: [], holder, nil))
                if Bool.random(using: &random) { uplink.receive(.releaseSession(id, holder)) }
            }
            if sessions.count > 50 { sessions.removeFirst(25) }
        }

        private func number() -> UInt64 {
            nextNumber += 1
            unanswered.insert(nextNumber)
            return nextNumber
        }

        private func ticket() -> Ticket { Ticket(reactor: 0, number: number()) }

        func take(_ inbox: Inbox<UplinkReport>) {
            var reports: [UplinkReport] = []
            inbox.take(into: &reports)
            for report in reports {
                switch report {
                case .published(let ticket, let outcome):
                    note(ticket)
                    if case .success(let position) = outcome { acknowledged.insert(position) }
                case .history(let ticket, _): note(ticket)
                case .described(let ticket, _): note(ticket)
                case .presence(let ticket, _): note(ticket)
                case .spent(let ticket, let outcome):
                    note(ticket)
                    if case .success(let left) = outcome { mostLeft = max(mostLeft, left) }
                case .session(let ticket, _): note(ticket)
                default: break
                }
            }
        }

        private func note(_ ticket: Ticket) {
            if unanswered.remove(ticket.number) == nil { answeredTwice += 1 }
        }
    }
}
