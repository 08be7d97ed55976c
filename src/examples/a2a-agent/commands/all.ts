/** Every command of the agent. Nothing in them is about cancels, but for the one that shows what happens without. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { textOf } from "../../../http/a2a/Content.ts"
import { fetchPage } from "../../server/fetchPage.ts"
import * as Command from "./Command.ts"
import { count, millis, text, url } from "./Parameter.ts"

const echo = Command.make({
  name: "echo",
  does: "says the text",
  parameters: [text],
  run: ([text]) => Effect.succeed(text)
})

const slow = Command.make({
  name: "slow",
  does: "one long operation",
  parameters: [millis],
  run: ([ms]) => Effect.as(Effect.sleep(Duration.millis(ms)), `Done after ${ms} ms`)
})

const stream = Command.make({
  name: "stream",
  does: "n pieces of an answer, so far apart",
  parameters: [count, millis],
  run: ([n, ms]) => {
    const numbers = Stream.range(0, n - 1)
    const paced = ms === 0 ? numbers : Stream.tap(numbers, (n) => (n === 0 ? Effect.void : Effect.sleep(ms)))
    return Stream.map(paced, (n) => `chunk ${n}`)
  }
})

const fail = Command.make({
  name: "fail",
  does: "fails, and says the text",
  parameters: [text],
  run: ([text]) => Effect.fail(text)
})

const stubborn = Command.make({
  name: "stubborn",
  does: "ignores a cancel that long",
  parameters: [millis],
  run: ([ms]) =>
    Effect.sleep(Duration.millis(ms)).pipe(
      Effect.as(`Done after ${ms} ms`),
      // oxlint-disable-next-line rescind/no-bare-uninterruptible -- the bad example, on purpose
      Effect.uninterruptible
    )
})

const beat = Command.make({
  name: "beat",
  does: "n requests to a server, so far apart",
  parameters: [url, count, millis],
  run: ([url, n, ms], turn) =>
    Effect.gen(function* () {
      for (let beat = 1; beat <= n; beat++) {
        if (beat > 1) yield* Effect.sleep(Duration.millis(ms))
        const status = yield* statusOf(url)
        yield* turn.partial(`${beat} of ${n} requests were answered`)
        yield* turn.say(`Request ${beat} of ${n}: ${status}`)
      }
      return `${n} of ${n} requests were answered`
    })
})

const hang = Command.make({
  name: "hang",
  does: "one request, however long the server takes",
  parameters: [url],
  run: ([url]) => Effect.map(statusOf(url), (status) => `The server did answer: ${status}`)
})

const input = Command.make({
  name: "input",
  does: "asks for a text, and says it",
  parameters: [],
  run: (_, turn) => Effect.map(turn.ask("What shall I say?"), ({ parts }) => textOf(parts))
})

export const all: ReadonlyArray<Command.Command> = [echo, slow, stream, fail, stubborn, beat, hang, input]

/** An answer is an answer, also one of 404. Whoever interrupts this closes its socket at once. */
const statusOf = (url: string) =>
  fetchPage(url, { limits: { time: Duration.infinity } }).pipe(
    Effect.map(({ status }) => status),
    Effect.catch((failure) => (failure.status === undefined ? Effect.fail(failure) : Effect.succeed(failure.status)))
  )
