"""Go, Rust, Java, Ruby, PHP, .NET, images, actions and hooks."""

from __future__ import annotations

import json
from textwrap import dedent

import pytest

from headgate.deps.compare import read_files
from headgate.deps.lockfiles import manifest_for
from headgate.deps.lockfiles.interface import Parsed


def read(files: dict[str, str]) -> dict[str, Parsed]:
    return dict(read_files({p: dedent(t).encode() for p, t in files.items()}).parsed)


def told(parsed: Parsed) -> list[tuple[str, str, str, str]]:
    assert parsed.problems == ()
    return [(d.name, d.version, d.relation.value, d.scope.value) for d in parsed.declared]


def test_go() -> None:
    files = read(
        {
            "go.mod": """\
                module example.com/app // ours

                go 1.22

                require github.com/spf13/cobra v1.8.0
                require (
                    golang.org/x/text v0.14.0 // indirect
                    github.com/old/one v1.0.0
                    github.com/near/one v1.0.0
                )

                replace github.com/old/one => github.com/new/one v1.2.0
                replace github.com/near/one v1.0.0 => ../near
                exclude github.com/bad/one v0.1.0
                """,
            "go.sum": """\
                github.com/spf13/cobra v1.8.0 h1:aaaa=
                github.com/spf13/cobra v1.8.0/go.mod h1:bbbb=
                github.com/spf13/cobra v1.7.0 h1:cccc=
                """,
        }
    )
    assert told(files["go.mod"]) == [
        ("github.com/spf13/cobra", "v1.8.0", "direct", "production"),
        ("golang.org/x/text", "v0.14.0", "transitive", "production"),
        ("github.com/new/one", "v1.2.0", "direct", "production"),
        ("github.com/near/one", "", "direct", "production"),
    ]
    assert [d.span.line for d in files["go.mod"].declared] == [5, 7, 12, 13]
    assert [d.kind.value for d in files["go.mod"].declared][-1] == "path"
    assert [(d.version, d.hashes) for d in files["go.sum"].declared] == [("v1.8.0", ("h1:aaaa=",))]


def test_before_go_1_17_only_the_sums_tell_what_is_built() -> None:
    sums = "a.example/x v1.0.0 h1:aa=\n"
    for module in ("module m\ngo 1.16\n", "module m\n"):
        files = read({"go.mod": module, "go.sum": sums})
        assert [d.name for d in files["go.sum"].declared] == ["a.example/x"]


def test_cargo() -> None:
    index = "registry+https://github.com/rust-lang/crates.io-index"
    files = read(
        {
            "Cargo.toml": """\
                [package]
                name = "app"
                [dependencies]
                serde = { version = "1", features = ["derive"] }
                rand = "=0.8.5"
                near = { path = "../near" }
                forked = { git = "https://git.example/forked", rev = "0123" }
                other = { package = "real-name", version = "2" }
                [dev-dependencies]
                proptest = "1"
                [target.'cfg(unix)'.dependencies]
                libc = "0.2"
                """,
            "Cargo.lock": f"""\
                version = 4

                [[package]]
                name = "app"
                version = "0.1.0"
                dependencies = ["serde", "proptest"]

                [[package]]
                name = "serde"
                version = "1.0.0"
                source = "{index}"
                checksum = "aa"
                dependencies = ["serde_derive"]

                [[package]]
                name = "serde_derive"
                version = "1.0.0"
                source = "{index}"

                [[package]]
                name = "proptest"
                version = "1.4.0"
                source = "{index}"
                dependencies = ["bit-set"]

                [[package]]
                name = "bit-set"
                version = "0.5.0"
                source = "registry+https://crates.corp.example/index"

                [[package]]
                name = "forked"
                version = "1.0.0"
                source = "git+https://git.example/forked?rev=0123#0123"
                """,
        }
    )
    wanted = {
        d.name: (d.version, d.scope.value, d.kind.value) for d in files["Cargo.toml"].declared
    }
    assert wanted == {
        "serde": ("", "production", "registry"),
        "rand": ("0.8.5", "production", "registry"),
        "near": ("", "production", "path"),
        "forked": ("", "production", "git"),
        "real-name": ("", "production", "registry"),
        "proptest": ("", "development", "registry"),
        "libc": ("", "production", "registry"),
    }
    assert told(files["Cargo.lock"]) == [
        ("serde", "1.0.0", "direct", "production"),
        ("serde_derive", "1.0.0", "transitive", "production"),
        ("proptest", "1.4.0", "direct", "development"),
        ("bit-set", "0.5.0", "transitive", "development"),
        ("forked", "1.0.0", "direct", "production"),
    ]
    assert files["Cargo.lock"].declared[0].hashes == ("sha256:aa",)
    assert [one.text for one in files["Cargo.lock"].indexes] == [
        "registry+https://crates.corp.example/index"
    ]


def test_maven_fills_in_what_its_parents_say() -> None:
    files = read(
        {
            "pom.xml": """\
                <project xmlns="http://maven.apache.org/POM/4.0.0">
                  <groupId>org.example</groupId><artifactId>parent</artifactId>
                  <version>1.0</version>
                  <properties><spring>6.${minor}</spring><minor>1.0</minor></properties>
                  <dependencyManagement><dependencies>
                    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-api</artifactId>
                      <version>2.0.9</version></dependency>
                  </dependencies></dependencyManagement>
                </project>
                """,
            "app/pom.xml": """\
                <project>
                  <parent><groupId>org.example</groupId><artifactId>parent</artifactId>
                    <version>1.0</version></parent>
                  <artifactId>app</artifactId>
                  <dependencies>
                    <dependency><groupId>org.springframework</groupId>
                      <artifactId>spring-core</artifactId><version>${spring}</version></dependency>
                    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-api</artifactId>
                    </dependency>
                    <dependency><groupId>junit</groupId><artifactId>junit</artifactId>
                      <version>[4,5)</version><scope>test</scope></dependency>
                    <dependency><groupId>${project.groupId}</groupId><artifactId>lib</artifactId>
                      <version>${missing}</version></dependency>
                  </dependencies>
                </project>
                """,
        }
    )
    assert told(files["app/pom.xml"]) == [
        ("org.springframework:spring-core", "6.1.0", "direct", "production"),
        ("org.slf4j:slf4j-api", "2.0.9", "direct", "production"),
        ("junit:junit", "", "direct", "development"),
        ("org.example:lib", "", "direct", "production"),
        ("org.example:parent", "1.0", "direct", "production"),
    ]


def test_gradle() -> None:
    text = """\
        # This is a Gradle generated file
        com.google.guava:guava:33.0.0-jre=compileClasspath,runtimeClasspath
        org.junit:junit-bom:5.10.0=testCompileClasspath,testRuntimeClasspath
        empty=annotationProcessor
        """
    assert told(read({"gradle.lockfile": text})["gradle.lockfile"]) == [
        ("com.google.guava:guava", "33.0.0-jre", "unknown", "production"),
        ("org.junit:junit-bom", "5.10.0", "unknown", "development"),
    ]


def test_bundler() -> None:
    text = """\
        GIT
          remote: https://git.example/rails.git
          revision: 0123
          branch: main
          specs:
            activesupport (8.0.0)
              base64

        PATH
          remote: engines/ours
          specs:
            ours (0.1.0)

        GEM
          remote: https://rubygems.org/
          specs:
            base64 (0.2.0)
            nokogiri (1.16.0-x86_64-linux)
              racc (~> 1.4)
            racc (1.7.3)

        PLATFORMS
          ruby

        DEPENDENCIES
          activesupport!
          nokogiri (~> 1.16)
          ours!

        CHECKSUMS
          racc (1.7.3) sha256=aa

        BUNDLED WITH
           2.5.0
        """
    parsed = read({"Gemfile.lock": text})["Gemfile.lock"]
    assert told(parsed) == [
        ("activesupport", "8.0.0", "direct", "production"),
        ("ours", "0.1.0", "direct", "production"),
        ("base64", "0.2.0", "transitive", "production"),
        ("nokogiri", "1.16.0-x86_64-linux", "direct", "production"),
        ("racc", "1.7.3", "transitive", "production"),
    ]
    assert [d.kind.value for d in parsed.declared] == ["git", "path", *["registry"] * 3]
    assert parsed.declared[0].source == "git+https://git.example/rails.git#0123"
    assert parsed.declared[4].hashes == ("sha256:aa",)
    assert parsed.declared[3].requires == ("racc",)


def test_composer() -> None:
    def package(name: str, **more: object) -> dict[str, object]:
        return {
            "name": name,
            "version": "1.0.0",
            "dist": {"type": "zip", "url": "https://files.example/x.zip", "shasum": ""},
            "source": {"type": "git", "url": f"https://git.example/{name}", "reference": "0123"},
            "notification-url": "https://packagist.org/downloads/",
            "license": ["MIT", "GPL-2.0-only"],
            **more,
        }

    lock = {
        "packages": [
            package("Monolog/monolog", require={"php": "*", "psr/log": "^3"}),
            package("psr/log"),
        ],
        "packages-dev": [package("phpunit/phpunit", **{"notification-url": None})],
    }
    manifest = {
        "require": {"php": ">=8", "monolog/monolog": "^3"},
        "require-dev": {"phpunit/phpunit": "1.0.0"},
    }
    files = read(
        {
            "composer.lock": json.dumps(lock, indent=4),
            "composer.json": json.dumps(manifest, indent=1),
        }
    )
    parsed = files["composer.lock"]
    assert told(parsed) == [
        ("monolog/monolog", "1.0.0", "direct", "production"),
        ("psr/log", "1.0.0", "transitive", "production"),
        ("phpunit/phpunit", "1.0.0", "direct", "development"),
    ]
    assert parsed.declared[0].licence == "MIT OR GPL-2.0-only"
    assert [d.kind.value for d in parsed.declared] == ["registry", "registry", "git"]
    assert [(d.name, d.version) for d in files["composer.json"].declared] == [
        ("monolog/monolog", ""),
        ("phpunit/phpunit", "1.0.0"),
    ]


def test_nuget() -> None:
    lock = {
        "version": 1,
        "dependencies": {
            "net8.0": {
                "Serilog": {
                    "type": "Direct",
                    "requested": "[3, )",
                    "resolved": "3.1.1",
                    "contentHash": "aa==",
                },
                "System.Memory": {"type": "Transitive", "resolved": "4.5.5"},
                "ours": {"type": "Project"},
            }
        },
    }
    files = read(
        {
            "packages.lock.json": json.dumps(lock, indent=2),
            "Directory.Packages.props": """\
                <Project><PropertyGroup><V>3.1</V></PropertyGroup>
                <ItemGroup><PackageVersion Include="Serilog" Version="$(V).1" /></ItemGroup>
                </Project>
                """,
            "src/App.csproj": """\
                <Project Sdk="Microsoft.NET.Sdk"><ItemGroup>
                <PackageReference Include="serilog" />
                <PackageReference Include="Moq" Version="[4.20.0]" />
                <PackageReference Include="Analyzer" Version="1.*" PrivateAssets="all" />
                </ItemGroup></Project>
                """,
            "old/packages.config": """\
                <?xml version="1.0" encoding="utf-8"?>
                <packages><package id="Newtonsoft.Json" version="13.0.1" />
                <package id="xunit" version="2.0.0" developmentDependency="true" /></packages>
                """,
        }
    )
    assert told(files["packages.lock.json"]) == [
        ("Serilog", "3.1.1", "direct", "production"),
        ("System.Memory", "4.5.5", "transitive", "production"),
    ]
    assert told(files["src/App.csproj"]) == [
        ("serilog", "3.1.1", "direct", "production"),
        ("Moq", "4.20.0", "direct", "production"),
        ("Analyzer", "", "direct", "development"),
    ]
    assert told(files["old/packages.config"]) == [
        ("Newtonsoft.Json", "13.0.1", "direct", "production"),
        ("xunit", "2.0.0", "direct", "development"),
    ]


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        ("go.mod", "module x\nrequire a b c\n", "no module and version"),
        ("go.mod", "module x\nrequire (\n", "not closed"),
        ("go.mod", "what is this\n", "`what` is no directive"),
        ("go.mod", "replace a b\n", "replaces nothing"),
        ("go.sum", "a b\n", "no module, version and hash"),
        ("Cargo.toml", "[dependencies]\na = 3\n", "`a` is no dependency"),
        ("Cargo.lock", "[[package]]\nname = 'a'\n", "no name or no version"),
        ("pom.xml", "<project><dependencies><dependency/></dependencies></project>", "no groupId"),
        ("pom.xml", "<a/>", "no Maven project"),
        ("pom.xml", "<project>", "this is not XML"),
        ("gradle.lockfile", "a:b\n", "no group, artifact and version"),
        ("Gemfile.lock", "WHAT\n", "no section that is known"),
        (
            "Gemfile.lock",
            "GEM\n  remote: https://rubygems.org/\n  specs:\n    a b\n",
            "not underst",
        ),
        ("composer.lock", "{}", "`packages` is missing"),
        ("composer.lock", '{"packages": [{}]}', "no package and version"),
        ("composer.json", '{"require": {"a/b": 3}}', "`a/b` in `require` is no dependency"),
        ("packages.lock.json", '{"version": 9}', "version of the format is not known"),
        (
            "packages.lock.json",
            '{"version": 1, "dependencies": {"n": {"a": {"type": "Odd"}}}}',
            "no version, or is of an unknown type",
        ),
        ("x.csproj", "<P><ItemGroup><PackageReference/></ItemGroup></P>", "no name"),
        (
            ".github/workflows/a.yml",
            "jobs:\n  a:\n    steps: [{uses: x}]\n",
            "no action and version",
        ),
        (".github/workflows/a.yml", "jobs: {a: 3}\n", "the job `a` is not a table"),
        (".github/workflows/a.yml", "jobs: {a: {container: '${{ x }}'}}", "only when the job runs"),
        ("Dockerfile", "RUN x\n", "no FROM"),
        ("Dockerfile", "FROM $X\n", "no default"),
        ("Dockerfile", "FROM UPPER\n", "is no image"),
        (".pre-commit-config.yaml", "a: 1\n", "`repos` is missing"),
        (".pre-commit-config.yaml", "repos:\n- repo: x\n", "no address or no revision"),
    ],
)
def test_what_cannot_be_read_is_told(path: str, text: str, message: str) -> None:
    problems = read({path: text})[path].problems
    assert any(message in problem.message for problem in problems), problems


@pytest.mark.parametrize(
    "path",
    ["Dockerfile.md", "docs/dockerfile", "workflows/ci.yml", "node_modules/x/yarn.lock", "profile"],
)
def test_files_that_are_something_else(path: str) -> None:
    found = manifest_for(path)
    assert found is None or path == "docs/dockerfile"
