import Broker
import Testing

/// How often somebody may be told.
@Suite("Rates and paces")
struct MaxRateTests {
    @Test(
        "numbers from 0.1 to 20, in thousandths",
        arguments: [
            ("2", 2_000, "2", 500), ("0.1", 100, "0.1", 10_000), ("20", 20_000, "20", 50), ("2.50", 2_500, "2.5", 400),
            ("3", 3_000, "3", 334), ("0.3339", 333, "0.333", 3_004), ("1.0000000", 1_000, "1", 1_000),
        ] as [(String, UInt32, String, UInt64)]
    )
    func numbers(text: String, thousandths: UInt32, told: String, milliseconds: UInt64) throws {
        let rate = try #require(MaxRate(text))
        #expect(rate.thousandths == thousandths && rate.text == told && rate.intervalMilliseconds == milliseconds)
    }

    @Test(
        "nothing else",
        arguments: [
            "", "0", "0.0999", "20.001", "21", "100", "-1", "+1", "1e1", ".5", "5.", "1.2.3", " 1", "1 ", "NaN", "inf",
            "0x2", "٢", "2,5",
            "99999999999999999999", "1." + String(repeating: "0", count: 40),
        ]
    )
    func nonsense(text: String) { #expect(MaxRate(text) == nil) }

    @Test("a pace is the fastest there is that is not faster than what was asked for")
    func paces() throws {
        for thousandths in 100...20_000 {
            let text = "\(thousandths / 1_000).\(String(1_000 + thousandths % 1_000).dropFirst())"
            let rate = try #require(MaxRate(text))
            let pace = try #require(Pace(rate).rate)
            #expect(pace <= rate)
            #expect(!Pace.rates.contains { $0 > pace && $0 <= rate })
        }
        // A client has four bits for it.
        #expect(Pace.any.rate == nil && Pace.rates.count == 12)
        #expect(Pace(step: 200) == .any && Pace.rates.allSatisfy { Pace(step: Pace($0).step) == Pace($0) })
        for rate in Pace.rates { #expect(Pace(rate).rate == rate) }
    }

    @Test("of what is asked for and what a rule says the slower counts")
    func rules() {
        let rule = PaceRule(rateMax: MaxRate("4"))
        #expect(rule.rate(of: .any)?.text == "4" && rule.rate(of: Pace(MaxRate("2")!))?.text == "2")
        #expect(rule.rate(of: Pace(MaxRate("10")!))?.text == "4")
        #expect(PaceRule().rate(of: .any) == nil && PaceRule().rate(of: Pace(MaxRate("10")!))?.text == "10")
    }
}
