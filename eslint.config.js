// Names that a browser has; only those that the scripts use.
const names = (text) => Object.fromEntries(text.split(" ").map((name) => [name, "readonly"]));
const BROWSER = names(
  "document window navigator location localStorage indexedDB IDBKeyRange crypto performance fetch caches URL Event Node self " +
    "setTimeout clearTimeout setInterval clearInterval DOMParser atob btoa",
);

export default [
  { ignores: ["docs/**", "build/**", "instance/**", ".venv/**", "node_modules/**"] },
  {
    files: ["exam_app/static/**/*.js"],
    languageOptions: { ecmaVersion: 2022, sourceType: "module", globals: BROWSER },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "array-callback-return": "error",
      eqeqeq: "error",
      "no-const-assign": "error",
      "no-dupe-keys": "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-fallthrough": "error",
      "no-import-assign": "error",
      "no-self-assign": "error",
      "no-self-compare": "error",
      "no-shadow": "error",
      "no-undef": "error",
      "no-unreachable": "error",
      "no-unused-vars": ["error", { varsIgnorePattern: "^_", argsIgnorePattern: "^_", caughtErrors: "all" }],
      "no-var": "error",
      "prefer-const": ["error", { destructuring: "all" }],
    },
  },
  { files: ["exam_app/static/sw.js", "exam_app/static/app.js"], languageOptions: { sourceType: "script" } },
];
