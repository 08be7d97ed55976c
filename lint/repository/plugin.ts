// The rules of this repository that no stock rule covers. One rule a file; switched on in .oxlintrc.json.
import { eslintCompatPlugin } from "@oxlint/plugins"
import { effectOnly } from "./effectOnly.ts"
import { layers } from "./layers.ts"

export default eslintCompatPlugin({
  meta: { name: "repository" },
  rules: { "effect-only": effectOnly, layers }
})
