import TestRandomness
import Testing
import Wire

extension [UInt8] {
    /// Makes a few random changes: replaces, inserts, removes, repeats or swaps in bytes that parsers care about.
    func mutated(by generator: inout SeededGenerator) -> [UInt8] {
        let interesting = Array("\r\n \t:;,%?&=+-0159afAFxGH/*\u{0}\u{1}\u{7F}é".utf8)
        var copy = self
        for _ in 0..<Int.random(in: 0...3, using: &generator) where !copy.isEmpty {
            let index = Int.random(in: 0..<copy.count, using: &generator)
            let byte = interesting[Int.random(in: 0..<interesting.count, using: &generator)]
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: copy[index] = byte
            case 1: copy.insert(byte, at: index)
            case 2: copy.remove(at: index)
            case 3: copy[index] = UInt8.random(in: 0...255, using: &generator)
            case 4: copy.removeSubrange(index..<Swift.min(index + 4, copy.count))
            default: copy.insert(contentsOf: copy[index..<Swift.min(index + 6, copy.count)], at: index)
            }
        }
        return copy
    }

    /// The bytes cut at some places.
    func slices(cutAt cuts: [Int]) -> [ArraySlice<UInt8>] {
        var first = 0
        var slices: [ArraySlice<UInt8>] = []
        for cut in cuts + [count] {
            slices.append(self[first..<cut])
            first = cut
        }
        return slices
    }
}

/// What becomes of a request head.
enum Verdict: Equatable, Sendable {
    case accepted
    case incomplete
    case refused(Int)
}

/// Scans whole prefixes that grow to each of the given counts, as a connection does, and stops at the first answer.
func scanGrowing(_ bytes: [UInt8], to counts: some Sequence<Int>, limits: HTTPLimits) -> HTTPHeadScanner.Outcome {
    var scanner = HTTPHeadScanner()
    for count in counts {
        let outcome = bytes[..<count].withUnsafeBufferPointer { scanner.scan($0.span, limits: limits) }
        if outcome != .incomplete { return outcome }
    }
    return .incomplete
}

func scanWhole(_ bytes: [UInt8], limits: HTTPLimits = HTTPLimits()) -> HTTPHeadScanner.Outcome {
    scanGrowing(bytes, to: [bytes.count], limits: limits)
}

func parseHead(_ bytes: [UInt8], limits: HTTPLimits = HTTPLimits()) -> Result<HTTPRequestHead, HTTPRejection> {
    bytes.withUnsafeBufferPointer { pointer in
        do throws(HTTPRejection) {
            let head = try HTTPRequestHead(parsing: pointer.span, limits: limits)
            try head.checkLength(limits: limits)
            return .success(head)
        } catch {
            return .failure(error)
        }
    }
}

/// Scans and parses the way a connection does.
func judge(_ bytes: [UInt8], limits: HTTPLimits = HTTPLimits()) -> Verdict {
    switch scanWhole(bytes, limits: limits) {
    case .incomplete: return .incomplete
    case .rejected(let rejection): return .refused(rejection.status)
    case .complete(let headCount):
        switch parseHead(Array(bytes[..<headCount]), limits: limits) {
        case .success: return .accepted
        case .failure(let rejection): return .refused(rejection.status)
        }
    }
}

extension HTTPRequestHead {
    /// The text of a range of the bytes the head was parsed from.
    static func text(_ range: ByteRange?, in bytes: [UInt8]) -> String? {
        guard let range else { return nil }
        return bytes.withUnsafeBufferPointer { range.text(in: $0.span) }
    }

    /// Everything in the head, to compare two of them.
    func summary(in bytes: [UInt8]) -> [String] {
        var lines = [
            "\(method) \(minorVersion) \(targetForm) \(path) \(query) \(headCount)",
            "\(String(describing: contentLength)) \(isChunked) \(keepAlive) \(expectsContinue) \(wantsUpgrade)",
        ]
        for field in HTTPField.allCases {
            if let range = self[field] { lines.append("\(field) \(range)") }
        }
        return lines
    }
}
