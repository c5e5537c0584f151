import Backplane

extension RedisMaster {
    /// Where it is or who says so, as logs and messages name it.
    var placeText: String {
        sentinels.map { "\($0.masterName) of the Sentinels \($0.placesText)" } ?? address.place
    }
}

extension [RedisMaster] {
    /// Where they are.
    var placesText: String { map(\.placeText).joined(separator: ", ") }
}
