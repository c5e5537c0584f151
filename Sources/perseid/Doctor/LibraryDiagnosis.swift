import Backplane

/// What is to be said of the function library in a Redis.
enum LibraryDiagnosis {
    static func finding(_ library: RedisInspector.Library, at place: String) -> Finding {
        let subject = "redis \(place) functions"
        switch library {
        case .loaded(let version) where version > RedisFunctions.version:
            return .fine(
                subject,
                "version \(version), newer than this program's \(RedisFunctions.version), which works with it"
            )
        case .loaded(let version): return .fine(subject, "version \(version)")
        case .absent:
            return .warning(
                subject,
                "none, or older ones than version \(RedisFunctions.version)",
                cure: "a node of this version loads them when it starts; so does perseid redis install"
            )
        }
    }
}
