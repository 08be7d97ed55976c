/** The leak check of every test (K45): the kit's, by the names that the tests use. */
export { check as leakChecked, Watch as Leaks } from "../../src/testing/Leaks.ts"
