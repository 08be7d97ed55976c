/** A call that blocks the thread stops every fiber with it: no cancel is heard, no deadline runs, until it returns. */
import type { CreateRule } from "@oxlint/plugins"
import { importsEffect, isWithinEffect, reachSchema, type Reach } from "../syntax/effectCode.ts"
import { originOf } from "../syntax/origin.ts"

interface Options extends Reach {
  readonly allow?: ReadonlyArray<string>
}

const instead = (module: string): string => {
  switch (module) {
    case "node:fs":
    case "fs-extra":
    case "graceful-fs":
      return "the same method of `FileSystem` (effect/FileSystem), or of node:fs/promises in `Bridge.fromPromise`"
    case "node:child_process":
    case "execa":
    case "cross-spawn":
      return "`KillableProcess.run`, which a cancel ends with all its children"
    case "global.Atomics":
      return "`Latch.await` or `Deferred.await`; between threads `KillableWorker.run`"
    default:
      return "the form with a callback in `Bridge.fromCallback`, or `KillableWorker.run` for what computes long"
  }
}

/** The rest of `…Sync` in these modules is quick. */
const slowCrypto = /^(pbkdf2|scrypt|argon2|hkdf|generateKeyPair|generateKey|generatePrime|checkPrime)Sync$/

const blocking = (origin: string): { readonly module: string; readonly name: string } | undefined => {
  const dot = origin.lastIndexOf(".")
  const module = origin.slice(0, dot)
  const name = origin.slice(dot + 1)
  switch (module) {
    case "global.Atomics":
      return name === "wait" ? { module, name: "Atomics.wait" } : undefined
    case "node:crypto":
      return slowCrypto.test(name) ? { module, name } : undefined
    case "node:fs":
    case "node:child_process":
    case "node:zlib":
    case "fs-extra":
    case "graceful-fs":
    case "execa":
      return name.endsWith("Sync") ? { module, name } : undefined
    case "cross-spawn":
      return name === "sync" ? { module, name: "spawn.sync" } : undefined
    case "global.Bun":
      return name === "sleepSync" || name === "spawnSync" ? { module, name } : undefined
    default:
      return undefined
  }
}

export const noBlockingCall: CreateRule = {
  meta: {
    type: "problem",
    docs: { description: "no call in Effect code that blocks the thread", recommended: true },
    schema: [
      {
        type: "object",
        properties: { ...reachSchema, allow: { type: "array", items: { type: "string" } } },
        additionalProperties: false
      }
    ],
    messages: {
      blocks: "`{{name}}` blocks the thread: until it returns nothing can be cancelled. Use {{instead}}."
    }
  },
  create(context) {
    const options = (context.options[0] ?? {}) as Options
    if (!importsEffect(context) && options.everywhere !== true) return {}
    return {
      CallExpression(call) {
        const found = blocking(originOf(context, call.callee) ?? "")
        if (found === undefined || options.allow?.includes(found.name) === true) return
        if (!isWithinEffect(context, call, options)) return
        context.report({
          node: call,
          messageId: "blocks",
          data: { name: found.name, instead: instead(found.module) }
        })
      }
    }
  }
}
