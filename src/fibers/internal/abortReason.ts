/** Reads what somebody gave to `AbortController.abort` as a reason; it may be anything. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { CancelAbortError } from "../CancelAbortError.ts"
import * as CancelReason from "../CancelReason.ts"

export const reasonOfAbort = (abort: unknown): CancelReason.Draft | CancelReason.CancelReason => {
  if (abort instanceof CancelAbortError) return abort.reason
  if (abort instanceof CancelReason.CancelReason) return abort
  // Foreign objects have getters and proxies that throw.
  return Option.getOrElse(read(abort), () => CancelReason.request({ message: fallback }))
}

const fallback = "The signal was aborted"

const read = Option.liftThrowable((abort: unknown): CancelReason.Draft | CancelReason.CancelReason => {
  if (typeof abort !== "object" || abort === null) {
    return CancelReason.request({ message: textOf(abort) })
  }
  const { message, name, reason } = abort as Readonly<Record<string, unknown>>
  if (name === "AbortError" && typeof reason === "object" && reason !== null) {
    const carried = decode(JSON.parse(JSON.stringify(reason)))
    if (carried._tag === "Some") return carried.value
  }
  const text = typeof message === "string" && message !== "" ? message : undefined
  if (name === "TimeoutError") return CancelReason.timeout({ message: text })
  if (text !== undefined) return CancelReason.request({ message: text })
  if (abort instanceof Error) return CancelReason.request({ message: abort.name })
  // Nothing if its `toJSON` answers nothing.
  const json: string | undefined = JSON.stringify(abort)
  return CancelReason.request({ message: json === undefined || json === "{}" ? fallback : json })
})

const textOf = (abort: unknown): string => {
  if (typeof abort === "string") return abort === "" ? fallback : abort
  return typeof abort === "number" || typeof abort === "boolean" ? String(abort) : fallback
}

const decode = Schema.decodeUnknownOption(CancelReason.Wire)
