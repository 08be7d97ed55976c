/**
 * Imports in `src` go one way (DESIGN section 2) and name the module they mean, never a barrel: neither a folder's
 * `index.ts` nor `effect` itself. Cycles inside a layer are found by `import/no-cycle`.
 */
import * as path from "node:path"
import { defineRule, type ESTree } from "@oxlint/plugins"

const picture = "effect <- fibers <- combinators <- http <- examples; testing sits on fibers and combinators"

const mayImport = new Map<string, ReadonlyArray<string>>([
  ["fibers", ["fibers"]],
  ["combinators", ["fibers", "combinators"]],
  ["http", ["fibers", "combinators", "http"]],
  ["testing", ["fibers", "combinators", "testing"]],
  ["examples", ["fibers", "combinators", "http", "examples"]],
  ["index", ["fibers", "combinators", "http"]]
])

// The layer of "…/src/fibers/Task.ts" is "fibers"; a file directly in src is a layer of its own name.
const layerOf = (insideSrc: string): string => path.basename(insideSrc.split("/")[0]!, ".ts")

export const layers = defineRule({
  meta: {
    type: "problem",
    messages: {
      upward: `src/{{from}} must not import src/{{to}}: imports go one way (${picture}). Move what both need down, or pass it in.`,
      unknown: `src/{{from}} is no layer (${picture}). Move the file into one, or name the new layer in lint/repository/layers.ts.`,
      outside: `"{{source}}" lies outside src and will be missing from the package.`,
      barrel: `Import the module that owns the name ("./Task.ts", "effect/Effect") instead of "{{source}}": a barrel makes cycles and loads everything.`,
      optional: `"{{source}}" is an optional peer: src/{{from}} must work without it. Only src/http and src/examples may use it.`,
      sdk: `"{{source}}" is an optional peer: only src/http/a2a and src/examples may use it, and who imports rescind/http must not need it.`,
      vitest: `"{{source}}" is an optional peer, and rescind/testing works with any test runner. Only src/testing/vitest may use it.`
    }
  },
  create(context) {
    const file = context.filename.replaceAll("\\", "/")
    const start = file.lastIndexOf("/src/")
    if (start < 0) return {}
    const insideSrc = file.slice(start + "/src/".length)
    const from = layerOf(insideSrc)
    const allowed = mayImport.get(from)

    const checkRelative = (node: ESTree.Node, source: string): void => {
      const target = path.posix.join(path.posix.dirname(insideSrc), source)
      if (target.startsWith("../")) return context.report({ node, messageId: "outside", data: { source } })
      const to = layerOf(target)
      if (!allowed?.includes(to)) context.report({ node, messageId: "upward", data: { from, to } })
    }

    const check = (node: ESTree.Node, source: string): void => {
      const isBarrel = /^(effect|rescind(\/.*)?|\..*\/index\.ts)$/.test(source)
      if (isBarrel && from !== "index") context.report({ node, messageId: "barrel", data: { source } })
      if (source.startsWith("@effect/platform") && from !== "http" && from !== "examples") {
        context.report({ node, messageId: "optional", data: { source, from } })
      }
      if (source.startsWith("@a2a-js/") && !insideSrc.startsWith("http/a2a/") && from !== "examples") {
        context.report({ node, messageId: "sdk", data: { source } })
      }
      if (/^(@effect\/)?vitest(\/|$)/.test(source) && !insideSrc.startsWith("testing/vitest/")) {
        context.report({ node, messageId: "vitest", data: { source } })
      }
      if (/\/a2a\//.test(source) && from === "http" && !insideSrc.startsWith("http/a2a/")) {
        context.report({ node, messageId: "sdk", data: { source } })
      }
      if (source.startsWith(".")) checkRelative(node, source)
    }

    return {
      Program: (node) => {
        if (allowed === undefined) context.report({ node, messageId: "unknown", data: { from } })
      },
      ImportDeclaration: (node) => check(node, node.source.value),
      ExportAllDeclaration: (node) => check(node, node.source.value),
      ExportNamedDeclaration: (node) => node.source && check(node, node.source.value),
      ImportExpression: (node) => {
        if (node.source.type === "Literal" && typeof node.source.value === "string") check(node, node.source.value)
      },
      TSImportType: (node) => check(node, node.source.value)
    }
  }
})
