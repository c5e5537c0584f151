/// Why a session cannot be had.
public enum SessionFailure: Error, Sendable, Equatable {
    /// There is none of this name and secret: never was, ended, or lapsed.
    case unknown
    /// The backplane cannot say so now.
    case backplane(BackplaneFailure)
}
