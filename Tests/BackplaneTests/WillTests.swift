import Broker
import Testing

@testable import Backplane

@Suite("Uplink: wills")
struct WillTests {
    private let backplane = ScriptedBackplane()

    /// One whose lease is 3 s, 12 ticks, and that looks for others' wills from then on.
    private func fixture(reactors: Int = 1, isWanted: Bool = true) throws -> UplinkFixture {
        let fixture = try UplinkFixture(backplane, reactors: reactors) { $0.nodeLeaseMilliseconds = 3_000 }
        if isWanted { fixture.uplink.receive(.keepWill(true)) }
        return fixture
    }

    /// Lets the will be asked for and opened.
    private func open(_ fixture: UplinkFixture) throws -> WillID {
        fixture.tick(1)
        let words = try #require(backplane.takeWills().last).split(separator: " ")
        let id = try #require(words[0] == "open" ? WillID(words[1]) : nil)
        fixture.uplink.willOpened(id, .success(()))
        return id
    }

    private func holder(_ connection: UInt64) -> SessionHolder { SessionHolder(reactor: 0, connection: connection) }

    private func entry(_ user: String, session: SessionID? = nil) -> WillEntry {
        WillEntry(node: "a", transport: "websocket", address: "::1", user: user, session: session)
    }

    private func text(_ connection: UInt64, _ user: String) -> String {
        String(decoding: entry(user).text(of: holder(connection)), as: UTF8.self)
    }

    private func turn(_ fixture: UplinkFixture) -> [String] {
        _ = fixture.uplink.endOfTurn()
        return backplane.takeWills()
    }

    @Test("an entry is read as it was written; what no node wrote is none")
    func texts() throws {
        var generator = SystemRandomNumberGenerator()
        var full = entry("ann/é %", session: SessionID(using: &generator))
        full.fence = .max
        for each in [
            full, entry(""), entry("-"), WillEntry(node: "n", transport: "t", address: "", user: nil, session: nil),
        ] {
            #expect(WillEntry(text: each.text(of: holder(9))) == each)
        }
        let good = text(1, "u").split(separator: " ").map(String.init)
        for place in 1..<7 {
            var words = good
            words[place] = place == 1 ? "-1" : place == 5 ? "abc" : place == 6 ? "bob" : "%G0"
            #expect(WillEntry(text: Array(words.joined(separator: " ").utf8)) == nil, "\(words)")
        }
        for text in ["", " ", good.joined(separator: " ") + " x", String(repeating: "x", count: 5_000)] {
            #expect(WillEntry(text: Array(text.utf8)) == nil)
        }
        #expect(WillEntry(text: [0xff, 0x20]) == nil)
    }

    @Test("nothing is kept where no backend is told")
    func unwanted() throws {
        let fixture = try fixture(isWanted: false)
        fixture.uplink.receive(.bequeath(holder(1), entry("ann")))
        fixture.tick(100)
        #expect(turn(fixture).isEmpty && fixture.metrics.willEntries.value == 0)
    }

    @Test(
        "readers are written as they come and taken away as they go, one request at a time; the same again costs nothing"
    )
    func entries() throws {
        let fixture = try fixture()
        fixture.uplink.receive(.bequeath(holder(1), entry("ann")))
        let id = try open(fixture)
        #expect(turn(fixture) == ["write \(id)\n+\(text(1, "ann"))"])
        fixture.uplink.receive(.bequeath(holder(1), entry("ann")))
        fixture.uplink.receive(.bequeath(holder(2), entry("bob")))
        fixture.uplink.receive(.bequeath(holder(2), entry("eve")))
        #expect(turn(fixture).isEmpty, "the first is not answered")
        fixture.uplink.willWritten(id, .success(true))
        #expect(turn(fixture) == ["write \(id)\n+\(text(2, "bob"))\n+\(text(2, "eve"))\n-\(text(2, "bob"))"])
        fixture.uplink.willWritten(id, .success(true))
        fixture.uplink.receive(.forgetReader(holder(1)))
        fixture.uplink.receive(.forgetReader(holder(7)))
        #expect(turn(fixture) == ["write \(id)\n-\(text(1, "ann"))"])
        #expect(fixture.metrics.willEntries.value == 1)
        fixture.uplink.willWritten(id, .success(true))
        fixture.uplink.receive(.keepWill(false))
        #expect(turn(fixture) == ["drop \(id)"])
        #expect(fixture.metrics.willEntries.value == 0)
    }

    @Test("no turn writes more than a slice")
    func slices() throws {
        let fixture = try fixture()
        for number in 0..<200 as Range<UInt64> { fixture.uplink.receive(.bequeath(holder(number), entry("u"))) }
        let id = try open(fixture)
        var sizes: [Int] = []
        while let write = turn(fixture).first {
            sizes.append(write.split(separator: "\n").count - 1)
            fixture.uplink.willWritten(id, .success(true))
        }
        #expect(sizes == [64, 64, 64, 8])
    }

    @Test(
        "the lease is renewed three times within it; what is lost, refused or another's is written anew, in another will"
    )
    func losses() throws {
        let fixture = try fixture()
        fixture.uplink.receive(.bequeath(holder(1), entry("ann")))
        var id = try open(fixture)
        _ = turn(fixture)
        fixture.uplink.willWritten(id, .success(true))
        fixture.tick(12)
        // A moment is a tick, and a bit of one a whole.
        #expect(backplane.takeWills().map { $0.prefix(5) } == ["renew", "renew"])
        let losses: [(UplinkFixture, WillID) -> Void] = [
            { $0.uplink.willRenewed($1, .success(WillRenewal(isOwn: false, found: nil))) },
            { $0.uplink.willWritten($1, .success(false)) },
            { $0.uplink.willWritten($1, .failure(.overloaded)) },
        ]
        for (number, lose) in losses.enumerated() {
            lose(fixture, id)
            #expect(turn(fixture).isEmpty)
            fixture.tick(5)
            let words = try #require(backplane.takeWills().first).split(separator: " ")
            #expect(words[0] == "open" && words[2] == "\(id)")
            id = try #require(WillID(words[1]))
            fixture.uplink.willOpened(id, .success(()))
            #expect(turn(fixture) == ["write \(id)\n+\(text(1, "ann"))"])
            if number == 0 { fixture.uplink.willWritten(id, .success(true)) }
        }
        #expect(fixture.metrics.willsLost.value == 3)
    }

    @Test("others' wills are looked for only once this node was heard for as long as a lease is, and one at a time")
    func grace() throws {
        let fixture = try fixture()
        let id = try open(fixture)
        fixture.tick(11)
        #expect(backplane.takeWills() == Array(repeating: "renew \(id) -", count: 2))
        fixture.tick(4)
        #expect(backplane.takeWills() == ["renew \(id) - seeks"])
        fixture.uplink.willRenewed(id, .success(WillRenewal(isOwn: true, found: id)))
        #expect(backplane.takeWills().isEmpty, "its own is nobody's to carry out")
        let found = WillID()
        fixture.uplink.willRenewed(id, .success(WillRenewal(isOwn: true, found: found)))
        #expect(backplane.takeWills() == ["execute \(found)"])
        fixture.tick(5)
        #expect(backplane.takeWills() == ["renew \(id) \(found)"])
        fixture.uplink.willRead(found, .success([]))
        backplane.setUp(false)
        fixture.uplink.receive(.bequeath(holder(1), entry("ann")))
        fixture.tick(20)
        #expect(turn(fixture).isEmpty, "it waits")
        backplane.setUp(true)
        #expect(turn(fixture) == ["write \(id)\n+\(text(1, "ann"))"])
        fixture.tick(1)
        #expect(backplane.takeWills() == ["renew \(id) -"])
        fixture.tick(11)
        #expect(backplane.takeWills() == Array(repeating: "renew \(id) -", count: 2))
        fixture.tick(5)
        #expect(backplane.takeWills() == ["renew \(id) - seeks"])
    }

    @Test(
        "entries are told by all reactors in turn; whose session has a newer fence is there, and what is none is passed over"
    )
    func execution() throws {
        let fixture = try fixture(reactors: 2)
        let id = try open(fixture)
        let found = WillID()
        fixture.uplink.willRenewed(id, .success(WillRenewal(isOwn: true, found: found)))
        var generator = SystemRandomNumberGenerator()
        let texts = ["lean", "gone", "there", "lost"].enumerated().map { number, user in
            var entry = entry(user, session: number == 0 ? nil : SessionID(using: &generator))
            entry.fence = 7
            return entry.text(of: holder(UInt64(number)))
        }
        _ = backplane.takeWills()
        fixture.uplink.willRead(found, .success(texts + [Array("rubbish".utf8)]))
        #expect(backplane.takeWills().count { $0.hasPrefix("fence") } == 3)
        fixture.uplink.fenceRead(for: texts[1], .success(nil))
        fixture.uplink.fenceRead(for: texts[2], .success(8))
        fixture.uplink.fenceRead(for: texts[3], .success(7))
        #expect(
            fixture.reports(0) + fixture.reports(1) == [
                "inherited \(found) gone", "inherited \(found) lean", "inherited \(found) lost",
            ]
        )
        fixture.uplink.receive(.told(found, texts[0], isDone: true))
        fixture.uplink.receive(.told(found, texts[1], isDone: true))
        #expect(backplane.takeWills().isEmpty)
        // There was no room for it: it stays, and comes again.
        fixture.uplink.receive(.told(found, texts[3], isDone: false))
        let done = ["rubbish"] + texts[..<3].map { String(decoding: $0, as: UTF8.self) }
        #expect(backplane.takeWills() == [(["execute \(found)"] + done.sorted()).joined(separator: "\n")])
        fixture.uplink.willRead(found, .success([texts[3]]))
        fixture.uplink.fenceRead(for: texts[3], .failure(.unavailable))
        #expect(
            backplane.takeWills().map { $0.prefix(5) } == ["fence"],
            "nothing was done, so nothing is asked at once"
        )
        fixture.tick(16)
        #expect(backplane.takeWills().last == "renew \(id) - seeks", "it can be found again")
        #expect(fixture.metrics.willReadersTold.value == 2)
    }

    @Test("an entry has the fence by which its connection has the session")
    func fences() throws {
        let fixture = try fixture()
        let request = sessionRequest(.resume, connection: 1)
        fixture.uplink.receive(.session(request))
        backplane.grant(fence: 42)
        fixture.uplink.receive(.bequeath(holder(1), entry("ann", session: request.id)))
        let id = try open(fixture)
        let written = try #require(turn(fixture).first)
        let text = try #require(written.split(separator: "\n").last?.dropFirst())
        #expect(written.hasPrefix("write \(id)") && WillEntry(text: Array(text.utf8))?.fence == 42)
    }

    @Test("who ends in order leaves no will, unless a backend has not heard all")
    func stop() throws {
        for hasHeardAll in [true, false] {
            let fixture = try fixture()
            fixture.uplink.receive(.bequeath(holder(1), entry("ann")))
            fixture.uplink.receive(.bequeath(holder(2), entry("bob")))
            let id = try open(fixture)
            _ = turn(fixture)
            fixture.uplink.receive(.forgetReader(holder(1)))
            if hasHeardAll { fixture.uplink.receive(.forgetReader(holder(2))) }
            fixture.uplink.receive(.stop(untilNanoseconds: .max))
            #expect(backplane.takeWills() == [hasHeardAll ? "drop \(id)" : "write \(id)\n-\(text(1, "ann"))"])
        }
    }
}
