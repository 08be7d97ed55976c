/**
 * The agent of the example: what it is told to do if it is told so in its language, else what the language model says,
 * piece by piece. A cancel interrupts either; nothing here knows of it.
 */
import * as LanguageModel from "effect/ai/LanguageModel"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Result from "effect/Result"
import * as Agent from "../../http/a2a/Agent.ts"
import { all } from "./commands/all.ts"
import * as Command from "./commands/Command.ts"

export interface Options {
  /** How long a cancel waits for a task that does not end. */
  readonly giveUp?: Duration.Input | undefined
}

export const make = (options: Options = {}): Agent.Agent<LanguageModel.LanguageModel> =>
  Agent.make("rescind-example", {
    description: "Does what it is told in a small language, or asks a language model; every cancel cancels",
    skills: [
      {
        id: "commands",
        name: "Commands",
        description: Command.help(all),
        tags: ["test", "cancellation"],
        examples: ["echo hello", "stream 10 500", "slow 5000", "input"]
      },
      {
        id: "chat",
        name: "Language model",
        description: "Answers anything else, token by token",
        tags: ["chat", "streaming"],
        examples: ["Tell me about structured concurrency"]
      }
    ],
    giveUp: options.giveUp,
    partialResult: true,
    run: (turn): Agent.Run<LanguageModel.LanguageModel> => {
      const command = Command.parse(all, turn.text)
      if (command !== undefined) {
        return Result.match(command, { onFailure: turn.reject, onSuccess: (program) => program(turn) })
      }
      return /^\s*(help|\?)?\s*$/i.test(turn.text) ? Effect.succeed(Command.help(all)) : answer(turn.text)
    }
  })

const answer = (prompt: string) =>
  LanguageModel.streamText({ prompt }).pipe(
    Stream.filter((part) => part.type === "text-delta"),
    Stream.map(({ delta }) => delta)
  )
