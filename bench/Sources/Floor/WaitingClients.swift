/// The clients whose publications Redis has not answered; it answers in the order it was asked.
struct WaitingClients {
    private var descriptors: [Int32] = []

    private static let gone: Int32 = -1

    mutating func append(_ descriptor: Int32) { descriptors.append(descriptor) }

    /// nil when the client did not wait for its answer.
    mutating func takeFirst() -> Int32? {
        guard !descriptors.isEmpty else { return nil }
        let first = descriptors.removeFirst()
        return first == WaitingClients.gone ? nil : first
    }

    /// Keeps the places of a client that has closed, so that the answers do not go to the next one with its descriptor.
    mutating func forget(_ descriptor: Int32) {
        for index in descriptors.indices where descriptors[index] == descriptor {
            descriptors[index] = WaitingClients.gone
        }
    }
}
