import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

// The stages of a request share the type AuthResult and nothing else (DESIGN: "no stage imports another stage's code").
const stages = ['accept', 'authenticate', 'authorize', 'forward', 'renew', 'revoke']
const frameworks = ['fastify', '@fastify/*', 'undici', 'pino', 'prom-client']

export default defineConfig(
  { ignores: ['**/dist/**', '.tap/**', '.tsimp/**', 'data/**', 'sample-backend/page/**', 'bench/results/**'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-restricted-syntax': ['error', { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' }],
      eqeqeq: 'error',
      'max-lines': ['error', 250],
      'max-params': ['error', 5],
    },
  },
  { files: ['gateway/src/**/*.ts', 'sample-backend/src/**/*.ts'], rules: { 'no-console': 'error' } },
  ...stages.map((stage) => ({
    files: [`gateway/src/${stage}/*.ts`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: stages.filter((other) => other !== stage).map((other) => `../${other}/*`),
              allowTypeImports: true,
              message: 'A stage imports types of another stage only.',
            },
            ...(stage === 'authenticate' || stage === 'authorize'
              ? [{ group: frameworks, message: 'This stage is plain functions.' }]
              : []),
          ],
        },
      ],
    },
  })),
  { files: ['**/*.d.ts'], rules: { 'no-restricted-syntax': 'off' } },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      // tap wants promises from its test functions, whether or not they wait for anything.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/unbound-method': 'off',
      'max-lines': ['error', { max: 250, skipBlankLines: true, skipComments: true }],
    },
  },
)
