internal import ArgumentParser
internal import CBench

/// Some thousand clients in one thread, with tens of bytes each: what `bench/million` starts by the dozen.
@main
struct Crowd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crowd",
        abstract: "Connects clients to the nodes of a board, and checks every delivery.",
        discussion: """
            Orders come on standard input, a line each: `connect UNDER-WAY KINDS`, `subscribe UNDER-WAY KIND`, `settle`, \
            `check`, `quit`; its end is the crowd's. What happened is on the board, which bench/million makes.
            """
    )

    @Option(help: "The file that is shared.")
    var board: String

    @Option(help: "Its size.")
    var boardBytes: Int

    @Option(help: "Which of the crowds on the board this is.")
    var number: Int

    @Option(help: "The number of its first client among all.")
    var firstClient: UInt32

    @Option(help: "How many clients it has.")
    var clients: Int

    @Option(help: "How they are connected: \(Requests.Carrier.allCases.map(\.rawValue).joined(separator: ", ")).")
    var carrier: Requests.Carrier = .webSocket

    func run() throws {
        bench_ignore_broken_pipes()
        bench_die_with_parent()
        let limit = bench_raise_descriptor_limit()
        guard limit >= clients + 16 else { throw Refusal(description: "\(limit) descriptors are too few") }
        let board = try Board(path: board, byteCount: boardBytes, crowdNumber: number)
        let clients = Clients(
            board: board,
            crowdNumber: number,
            firstClient: firstClient,
            count: clients,
            carrier: carrier
        )
        try clients.run()
    }
}

extension Requests.Carrier: ExpressibleByArgument {}
