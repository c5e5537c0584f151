import Broker
import Reactor
import Testing
import Text

@testable import Backplane

@Suite("Uplink: what whoever runs the cluster wants")
struct ControlTests {
    private let backplane = ScriptedBackplane()
    private let question = ClusterQuestion(.user("alice"), .describe)

    private func fixture(reactors: Int = 1, _ change: (inout Limits) -> Void = { _ in }) throws -> UplinkFixture {
        try UplinkFixture(backplane, reactors: reactors, change)
    }

    private func ask(_ fixture: UplinkFixture, _ number: UInt64 = 7) {
        fixture.uplink.receive(.control(Ticket(reactor: 0, number: number), .ask(question)))
    }

    private func part(_ count: Int, _ items: String) -> ClusterPart {
        ClusterPart(count: count, items: Array(items.utf8))
    }

    @Test("the answer is what all nodes say, however they and their number come")
    func allAnswer() throws {
        for countComesLast in [false, true] {
            let fixture = try fixture()
            ask(fixture)
            let number = try #require(backplane.asked.last?.number)
            #expect(backplane.asked.last?.question == question)
            if !countComesLast { backplane.delegate?.announced(number, .success(3)) }
            backplane.delegate?.replied(number, part(1, "{1}"))
            backplane.delegate?.replied(number, part(0, ""))
            #expect(fixture.reports().isEmpty)
            backplane.delegate?.replied(number, part(2, "{2},{3}"))
            if countComesLast { backplane.delegate?.announced(number, .success(3)) }
            #expect(fixture.reports() == ["asked 7: 3 [{1},{2},{3}]"])
            backplane.delegate?.replied(number, part(9, "late"))
            #expect(fixture.reports().isEmpty)
        }
    }

    @Test("a node that does not answer costs its time, and the answer says that it is not all")
    func missing() throws {
        let fixture = try fixture { $0.clusterQuestionMilliseconds = 2_000 }
        ask(fixture)
        let number = try #require(backplane.asked.last?.number)
        backplane.delegate?.announced(number, .success(2))
        backplane.delegate?.replied(number, part(1, "{1}"))
        fixture.tick(6)
        #expect(fixture.reports().isEmpty)
        fixture.tick(10)
        #expect(fixture.reports() == ["asked 7: 1 [{1}], not all"])
        #expect(fixture.metrics.clusterQuestionsIncomplete.value == 1)
    }

    @Test("nodes that count without end add up to the largest number there is")
    func endless() throws {
        let fixture = try fixture()
        ask(fixture)
        let number = try #require(backplane.asked.last?.number)
        backplane.delegate?.announced(number, .success(2))
        for _ in 1...2 { backplane.delegate?.replied(number, part(.max, "")) }
        #expect(fixture.reports() == ["asked 7: \(Int.max) []"])
    }

    @Test("questions under way are bounded, and so is what an answer has room for")
    func bounds() throws {
        let fixture = try fixture {
            $0.clusterQuestionsMax = 2
            $0.clusterAnswerBytesMax = 8
        }
        for number in 1...3 as ClosedRange<UInt64> { ask(fixture, number) }
        #expect(fixture.reports() == ["failed 3 overloaded"])
        let number = try #require(backplane.asked.last?.number)
        for _ in 0..<3 { backplane.delegate?.replied(number, part(1, "{12}")) }
        backplane.delegate?.announced(number, .success(3))
        #expect(fixture.reports() == ["asked 2: 3 [{12}]"])
        backplane.delegate?.announced(1, .failure(.unavailable))
        #expect(fixture.reports() == ["failed 1 unavailable"])
    }

    @Test("a node answers with what all its reactors say")
    func reactors() throws {
        let fixture = try fixture(reactors: 2)
        let call = ClusterCall(asker: "b", number: 4)
        backplane.delegate?.asked(question, call)
        #expect(fixture.reports(0) == ["asked 4 by b"] && fixture.reports(1) == ["asked 4 by b"])
        fixture.uplink.receive(.reply(call, part(1, "{1}")))
        #expect(backplane.replies.isEmpty)
        fixture.uplink.receive(.reply(call, part(1, "{2}")))
        #expect(backplane.replies.map(\.part) == [part(2, "{1},{2}")])
        #expect(backplane.replies.map(\.call) == [call])
        fixture.uplink.receive(.reply(call, part(1, "{3}")))
        #expect(backplane.replies.count == 1)
    }

    @Test("what is taken back is told to all reactors")
    func revoked() throws {
        let fixture = try fixture(reactors: 2)
        backplane.delegate?.revoked([])
        backplane.delegate?.revoked([Revocation(.user("alice"), milliseconds: 1, endMilliseconds: 2)])
        #expect(fixture.reports(0) == ["revoked 1"] && fixture.reports(1) == ["revoked 1"])
    }

    @Test(
        "questions are the same at the other end",
        arguments: [
            ClusterQuestion(.user("alice"), .describe),
            ClusterQuestion(.user("a b/c%"), .disconnect(mayReturn: true)),
            ClusterQuestion(.user("é"), .disconnect(mayReturn: false)),
            ClusterQuestion(.user("s:x"), .subscribe(ChannelName("a b/c")!)),
            ClusterQuestion(.address(PeerAddress("10.0.0.1")!), .describe),
            ClusterQuestion(.address(PeerAddress("2001:db8::7")!), .disconnect(mayReturn: false)),
            ClusterQuestion(.user("x"), .unsubscribe(ChannelName("room/*")!)),
        ]
    )
    func text(question: ClusterQuestion) {
        #expect(ClusterQuestion(text: question.text) == question)
        guard case .ask(let call, let heard)? = RedisControlMessage("ask node-1 12 \(question.text)") else {
            Issue.record("not understood")
            return
        }
        #expect(call == ClusterCall(asker: "node-1", number: 12) && heard == question)
    }

    @Test(
        "what nobody of Perseid said is passed over",
        arguments: [
            "", "ask", "ask a b describe u:x", "ask a 1 describe", "ask a 1 describe x:y", "ask a 1 destroy u:x",
            "ask a 1 describe s:short", "ask a 1 disconnect u:x", "ask a 1 disconnect u:x later",
            "ask a 1 subscribe u:x",
            "told", "told x 1 {}", "told 1 -1 {}", "told 1 x {}", "revoked 1 2 x:y", "revoked x 2 t:y",
            "revoked 1 x t:y",
            "revoked 1 2", "taken 1 2", "gone 1 2 3",
        ]
    )
    func nonsense(message: String) {
        if let understood = RedisControlMessage(message) { Issue.record("\(understood)") }
    }

    @Test("a token taken back is that one, and a user's are those it had by then")
    func revocations() {
        var all = Revocations()
        func identity(_ user: String?, _ token: String?, issued: UInt64?) -> Identity {
            Identity(user: user, tokenID: token, issuedMilliseconds: issued)
        }
        all.insert(Revocation(.token("t1"), milliseconds: 100, endMilliseconds: 1_000))
        all.insert(Revocation(.user("bob"), milliseconds: 100, endMilliseconds: 2_000))
        #expect(all.contains(identity("alice", "t1", issued: 200)))
        #expect(!all.contains(identity("alice", "t2", issued: 50)))
        #expect(all.contains(identity("bob", "t3", issued: 100)) && all.contains(identity("bob", nil, issued: nil)))
        #expect(!all.contains(identity("bob", "t3", issued: 101)))
        // What was said before does not take back what was said later.
        all.insert(Revocation(.user("bob"), milliseconds: 300, endMilliseconds: 2_500))
        all.insert(Revocation(.user("bob"), milliseconds: 200, endMilliseconds: 2_500))
        #expect(all.contains(identity("bob", "t3", issued: 250)))
        all.forget(before: 1_000)
        #expect(all.count == 1 && !all.contains(identity("alice", "t1", issued: 200)))
        for target in [Revocation.Target.token("a b%"), .user("é/x")] {
            let known = Revocation(words: "5 \(target.word)", end: "6")
            #expect(known == Revocation(target, milliseconds: 5, endMilliseconds: 6))
        }
    }
}
