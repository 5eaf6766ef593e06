import vue from "eslint-plugin-vue";
import ts from "typescript-eslint";

const NO_FLOATS = "Money and counts are exact text (src/exact.ts); only a chart's pixels may be floats.";

export default ts.config(
  { ignores: ["node_modules", "dist", "coverage", "components.d.ts", "src/api/schema.d.ts"] },
  ...ts.configs.strict,
  ...ts.configs.stylistic,
  ...vue.configs["flat/strongly-recommended"],
  {
    files: ["**/*.{ts,vue,js,mjs}"],
    languageOptions: { parserOptions: { parser: ts.parser } },
    rules: {
      "max-lines": ["error", 250],
      "vue/html-self-closing": ["error", { html: { void: "always" } }],
      "vue/max-attributes-per-line": "off",
      "vue/singleline-html-element-content-newline": "off",
      "vue/html-indent": "off",
      "vue/html-closing-bracket-newline": "off",
      "vue/no-v-html": "error",
      "vue/no-static-inline-styles": "error",
      "vue/block-lang": ["error", { script: { lang: "ts" } }],
      "vue/component-api-style": ["error", ["script-setup"]],
      "vue/define-props-declaration": ["error", "type-based"],
      "no-restricted-syntax": [
        "error",
        { selector: "CallExpression[callee.name=/^(parseFloat|Number)$/]", message: NO_FLOATS },
        { selector: "CallExpression[callee.property.name=/^(toFixed|toPrecision|parseFloat)$/]", message: NO_FLOATS },
        { selector: "MemberExpression[property.name='innerHTML']", message: "Text goes in as text." },
        { selector: "CallExpression[callee.object.name='JSON'][callee.property.name='parse']", message: NO_FLOATS },
      ],
    },
  },
  { files: ["src/exact.ts"], rules: { "no-restricted-syntax": "off" } },
  { files: ["tests/**", "scripts/**"], rules: { "no-restricted-syntax": "off" } },
);
