/** The settings of the agent, from the environment; a wrong one stops the start and is named. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { Host, port, read, whole, type WrongSetting } from "../server/settings.ts"

export interface Settings {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** How long a cancel waits for a task that does not end. */
  readonly giveUp: Duration.Duration
  /** How long the end of the process may wait for tasks. */
  readonly drain: Duration.Duration
  readonly maxTasks: number
  /** Of the language model, between two tokens. */
  readonly pace: Duration.Duration
  /** The number of tokens after which the language model stalls. */
  readonly stallAfter: number | undefined
}

const millis = (variable: string, otherwise: number): Effect.Effect<Duration.Duration, WrongSetting> =>
  Effect.map(
    read(variable, whole(0, 3_600_000), "a whole number of milliseconds from 0 to 3600000", otherwise),
    Duration.millis
  )

export const settings: Effect.Effect<Settings, WrongSetting> = Effect.gen(function* () {
  return {
    host: yield* read("HOST", Host, "a host name or an IP address", "127.0.0.1"),
    port: yield* port("PORT", 41_241),
    giveUp: yield* millis("GRACE", 2000),
    drain: Duration.seconds(
      yield* read("DRAIN_SECONDS", whole(0, 3600), "a whole number of seconds from 0 to 3600", 10)
    ),
    maxTasks: yield* read("MAX_TASKS", whole(1, 99_999), "a whole number from 1 to 99999", 1000),
    pace: yield* millis("TOKEN_MILLIS", 40),
    stallAfter: yield* read("STALL_AFTER", whole(0, 99_999), "a whole number of tokens from 0 to 99999", undefined)
  }
})
