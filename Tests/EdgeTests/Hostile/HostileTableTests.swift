import Testing

/// All rows of hostile input there are, by protocol.
@Suite("The hostile table")
struct HostileTableTests {
    private static let tables: [(name: String, rows: [String], countMin: Int)] = [
        ("HTTP", HostileHTTPRows.all.map(\.name), 137),
        ("WebSocket", HostileWebSocketRows.all.map(\.name), 78),
        ("Bayeux", HostileBayeuxTests.rows.map(\.message), 90),
        ("tokens", HostileTokenRows.all.map(\.name), 104),
        ("PROXY", (HostileProxyRows.trusted + HostileProxyRows.untrusted).map(\.name), 45),
    ]

    @Test("no row is lost, and none is there twice")
    func count() {
        for table in Self.tables {
            #expect(table.rows.count >= table.countMin, "\(table.name)")
            #expect(Set(table.rows).count == table.rows.count, "\(table.name)")
        }
        #expect(Self.tables.map(\.rows.count).reduce(0, +) >= 450)
    }
}
