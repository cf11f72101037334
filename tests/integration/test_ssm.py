# SPDX-License-Identifier: MIT
"""The Parameter Store: the example plugin behind the real aws command line and raw JSON requests."""
import json
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from aws import ApiError, Cli, authorization  # noqa: E402
from virga import Virga  # noqa: E402

VALUE = "1 validation error detected: Value %s failed to satisfy constraint: %s"


class Ssm:
    """`ssm.PutParameter(Name="x")`: raw JSON 1.1 of one account and region."""

    def __init__(self, virga, account="000000000000", region="us-east-1"):
        self.virga, self.account, self.region = virga, account, region

    def raw(self, action, body):
        return self.virga.http("POST", "/", body, {
            "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonSSM." + action,
            "Authorization": authorization(self.account, self.region, "ssm")})

    def call(self, action, params):
        status, headers, body = self.raw(action, json.dumps(params))
        if status != 200:
            raise ApiError(status, body, headers)
        return json.loads(body)

    def __getattr__(self, action):
        if not action[:1].isupper():
            raise AttributeError(action)
        return lambda **params: self.call(action, params)

    def put(self, name, value="v", **more):
        return self.PutParameter(**{"Name": name, "Value": value, "Type": "String", **more})

    def names(self, action, **params):
        """The names that a paged action lists, over all pages, and how many pages there were."""
        names, pages, token = [], 0, {}
        while True:
            page = self.call(action, {**params, **token})
            pages += 1
            names += [p["Name"] for p in page["Parameters"]]
            if "NextToken" not in page:
                return names, pages
            token = {"NextToken": page["NextToken"]}


class SsmTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.virga = Virga(settings={"floci.services.ecr.enabled": "false"})
        cls.addClassCleanup(cls.virga.cleanup)
        cls.virga.start()
        cls.accounts = 100000000000

    @classmethod
    def tearDownClass(cls):
        cls.virga.stop()

    def setUp(self):
        type(self).accounts += 1  # an empty store for each test
        self.ssm = Ssm(self.virga, account=str(self.accounts))

    def fails(self, code, message, action, **params):
        with self.assertRaises(ApiError) as caught:
            self.ssm.call(action, params)
        got = caught.exception
        self.assertEqual((got.status, got.code, got.message), (400, code, message))

    # --- the command line ---

    def test_cli_puts_gets_and_deletes(self):
        cli = Cli(self.virga, account=self.ssm.account, region="eu-west-1", service="ssm")
        self.assertEqual(cli.json("put-parameter", "--name", "/app/db/host", "--type", "String",
                                  "--value", "db.local", "--tags", "Key=team,Value=blue"),
                         {"Version": 1, "Tier": "Standard"})
        self.assertEqual(cli.json("put-parameter", "--name", "/app/db/host", "--value", "db2.local",
                                  "--overwrite")["Version"], 2)
        cli.json("put-parameter", "--name", "/app/db/password", "--type", "SecureString",
                 "--value", "s3cret")
        got = cli.json("get-parameter", "--name", "/app/db/host")["Parameter"]
        date = got.pop("LastModifiedDate")
        self.assertRegex(date, r"^20\d\d-")
        self.assertEqual(got, {
            "Name": "/app/db/host", "Type": "String", "Value": "db2.local", "Version": 2,
            "ARN": "arn:aws:ssm:eu-west-1:%s:parameter/app/db/host" % self.ssm.account,
            "DataType": "text"})
        both = cli.json("get-parameters-by-path", "--path", "/app", "--recursive",
                        "--with-decryption")["Parameters"]
        self.assertEqual({p["Name"]: p["Value"] for p in both},
                         {"/app/db/host": "db2.local", "/app/db/password": "s3cret"})
        self.assertEqual(cli.json("list-tags-for-resource", "--resource-type", "Parameter",
                                  "--resource-id", "/app/db/host"),
                         {"TagList": [{"Key": "team", "Value": "blue"}]})
        self.assertEqual(cli.json("get-parameters", "--names", "/app/db/host", "/none")
                         ["InvalidParameters"], ["/none"])
        cli.text("delete-parameter", "--name", "/app/db/host")
        code, _, err = cli.run("get-parameter", "--name", "/app/db/host")
        self.assertNotEqual(code, 0)
        self.assertIn("An error occurred (ParameterNotFound) when calling the GetParameter operation",
                      err)

    def test_cli_walks_all_pages(self):
        for i in range(23):
            self.ssm.put("/many/%02d" % i)
        cli = Cli(self.virga, account=self.ssm.account, service="ssm")
        got = cli.json("get-parameters-by-path", "--path", "/many")["Parameters"]
        self.assertEqual([p["Name"] for p in got], ["/many/%02d" % i for i in range(23)])
        got = cli.json("describe-parameters", "--page-size", "7")["Parameters"]
        self.assertEqual(len(got), 23)

    # --- PutParameter ---

    def test_versions_count_up_and_dates_follow(self):
        before = time.time()
        self.assertEqual(self.ssm.put("a"), {"Version": 1, "Tier": "Standard"})
        first = self.ssm.GetParameter(Name="a")["Parameter"]
        self.assertTrue(before - 1 < first["LastModifiedDate"] < time.time() + 1)
        for version in (2, 3):
            self.assertEqual(self.ssm.put("a", "v%d" % version, Overwrite=True)["Version"], version)
        got = self.ssm.GetParameter(Name="a")["Parameter"]
        self.assertEqual((got["Version"], got["Value"]), (3, "v3"))
        self.assertGreaterEqual(got["LastModifiedDate"], first["LastModifiedDate"])
        self.assertEqual(got["ARN"], "arn:aws:ssm:us-east-1:%s:parameter/a" % self.ssm.account)

    def test_what_is_there_is_only_overwritten_on_request(self):
        self.ssm.put("a")
        self.fails("ParameterAlreadyExists",
                   "The parameter already exists. To overwrite this value, set the overwrite option in "
                   "the request to true.", "PutParameter", Name="a", Value="w", Type="String")
        self.assertEqual(self.ssm.GetParameter(Name="a")["Parameter"]["Value"], "v")

    def test_overwriting_keeps_what_is_not_given(self):
        self.ssm.put("a", "1", Description="d", AllowedPattern=r"\d{1,4}", Tier="Advanced")
        self.ssm.PutParameter(Name="a", Value="2", Overwrite=True)
        got = self.ssm.DescribeParameters()["Parameters"][0]
        self.assertEqual((got["Description"], got["AllowedPattern"], got["Tier"], got["Version"]),
                         ("d", r"\d{1,4}", "Advanced", 2))
        self.fails("ParameterPatternMismatchException",
                   r"Parameter value, cannot be validated against allowedPattern: \d{1,4}",
                   "PutParameter", Name="a", Value="10,000", Overwrite=True)

    def test_names_are_checked(self):
        path = ("Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, "
                "it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a "
                "mix of letters, numbers and the following 3 symbols .-_")
        prefix = "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive)."
        for name, code, message in (
                ("awsThing", "ValidationException", prefix), ("/AWS", "ValidationException", prefix),
                ("ssm-thing", "ValidationException", prefix),
                ("/ssm/thing", "ValidationException", path),
                ("/aws/thing", "AccessDeniedException",
                 "No access to reserved parameter name: /aws/thing."),
                ("a b", "ValidationException", path), ("a:b", "ValidationException", path),
                ("/a/b/", "ValidationException", path), ("/a//b", "ValidationException", path),
                ("a/b", "ValidationException", "Parameter name must be a fully qualified name"),
                ("/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", "HierarchyLevelLimitExceededException",
                 "A hierarchy can have a maximum of 15 levels. For more information, see Requirements "
                 "and constraints for parameter names in the AWS Systems Manager User Guide."),
                ("a" * 980, "ValidationException", "Parameter name: the name and the ARN before it can "
                 "have a maximum of 1011 characters."),
                ("", "ValidationException", VALUE % (
                    "'' at 'name'", "Member must have length greater than or equal to 1"))):
            with self.subTest(name):
                self.fails(code, message, "PutParameter", Name=name, Value="v", Type="String")
        arn = len("arn:aws:ssm:us-east-1:000000000000:parameter/")
        for name in ("/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15", "a" * (1011 - arn), "A.b-c_9", "/x"):
            self.ssm.put(name)
            self.assertEqual(self.ssm.GetParameter(Name=name)["Parameter"]["Name"], name)

    def test_values_are_bounded_by_their_tier(self):
        self.ssm.put("fits", "x" * 4096)
        self.fails("ValidationException",
                   "Standard tier parameters support a maximum parameter value of 4096 characters. To "
                   "create a larger parameter value, upgrade the parameter to use the advanced-parameter "
                   "tier. For more information, see https://docs.aws.amazon.com/systems-manager/latest/"
                   "userguide/parameter-store-advanced-parameters.html",
                   "PutParameter", Name="big", Value="x" * 4097, Type="String")
        self.assertEqual(self.ssm.put("adv", "x" * 8192, Tier="Advanced")["Tier"], "Advanced")
        self.assertEqual(self.ssm.put("auto", "x" * 4097, Tier="Intelligent-Tiering")["Tier"], "Advanced")
        self.assertEqual(self.ssm.put("small", "x", Tier="Intelligent-Tiering")["Tier"], "Standard")
        self.fails("ValidationException",
                   "Advanced tier parameters support a maximum parameter value of 8192 characters.",
                   "PutParameter", Name="huge", Value="x" * 8193, Type="String", Tier="Advanced")
        with self.assertRaisesRegex(ApiError, "You can't downgrade a parameter"):
            self.ssm.put("adv", "x", Tier="Standard", Overwrite=True)

    def test_inputs_are_checked_by_the_model(self):
        ok = {"Name": "a", "Value": "v", "Type": "String"}
        for change, message in (
                ({"Value": ""}, VALUE % ("'' at 'value'",
                                         "Member must have length greater than or equal to 1")),
                ({"Type": "Number"}, VALUE % ("'Number' at 'type'", "Member must satisfy enum value "
                                              "set: [SecureString, StringList, String]")),
                ({"Type": None}, "A parameter type is required when you create a parameter."),
                ({"Value": None}, VALUE % ("null at 'value'", "Member must not be null")),
                ({"DataType": "Text"}, "The following data type is not supported: Text (Data type names "
                 "are all lowercase.)"),
                ({"KeyId": "k"}, "KeyId is required for SecureString type parameter only."),
                ({"Policies": "[]"}, "Parameter policies have no effect here: put the parameter without "
                 "Policies.")):
            with self.subTest(change):
                self.fails("ValidationException", message, "PutParameter",
                           **{k: v for k, v in {**ok, **change}.items() if v is not None})
        self.fails("SerializationException", "NUMBER_VALUE can not be converted to a String",
                   "PutParameter", **{**ok, "Value": 1})
        self.ssm.put("a")
        self.fails("HierarchyTypeMismatchException",
                   "Parameter Store does not support changing a parameter type in a hierarchy. For "
                   "example, you can't change a parameter from a String type to a SecureString type. You "
                   "must create a new, unique parameter.",
                   "PutParameter", Name="a", Value="v", Type="SecureString", Overwrite=True)

    def test_allowed_patterns_hold_for_the_whole_value(self):
        for pattern, good, bad in ((r"\d{1,4}", "1234", "12345"), (r"^\d+$", "7", "x7"),
                                   (r"[\w\-]+@(?:a|b)\.org", "x-y_z@b.org", "x y@b.org"),
                                   (r"[^\s\]]*", "abc", "a]"), (r".{8,20}", "p#sW*rd33", "short"),
                                   (r"a|b", "b", "ab")):
            with self.subTest(pattern):
                self.ssm.put("p", good, AllowedPattern=pattern)
                self.fails("ParameterPatternMismatchException",
                           "Parameter value, cannot be validated against allowedPattern: " + pattern,
                           "PutParameter", Name="p", Value=bad, Overwrite=True)
                self.ssm.DeleteParameter(Name="p")
        for pattern in ("(", "(?=a)b", "a*?", r"(a)\1", "((((a{99}){99}){99}){99}){99}"):
            with self.subTest(pattern):
                self.fails("InvalidAllowedPatternException",
                           "The request does not meet the regular expression requirement.",
                           "PutParameter", Name="p", Value="a", Type="String", AllowedPattern=pattern)

    # --- reading ---

    def test_selectors_lead_to_versions(self):
        for version in (1, 2, 3):
            self.ssm.put("/a/b", "v%d" % version, Overwrite=version > 1)
        arn = self.ssm.GetParameter(Name="/a/b")["Parameter"]["ARN"]
        for name, value, selector in (("/a/b:1", "v1", ":1"), ("/a/b:3", "v3", ":3"), (arn, "v3", None),
                                      (arn + ":2", "v2", ":2")):
            got = self.ssm.GetParameter(Name=name)["Parameter"]
            self.assertEqual((got["Name"], got["Value"], got.get("Selector")), ("/a/b", value, selector))
        for selector in ("4", "0", "99999999999", "prod", ""):
            self.fails("ParameterVersionNotFound",
                       "Systems Manager could not find version %s of /a/b. Verify the version and try "
                       "again." % selector, "GetParameter", Name="/a/b:" + selector)
        self.fails("ParameterNotFound", None, "GetParameter", Name="/none:1")
        self.fails("ParameterNotFound", None, "GetParameter",
                   Name=arn.replace(self.ssm.account, "999999999999"))
        self.fails("ParameterNotFound", None, "GetParameter", Name="x" * 2048)

    def test_get_parameters_tells_found_from_missing(self):
        self.ssm.put("a", "1")
        self.ssm.put("/b/c", "2")
        got = self.ssm.GetParameters(Names=["/b/c", "none", "a", "a:7"])
        self.assertEqual([(p["Name"], p["Value"]) for p in got["Parameters"]], [("/b/c", "2"), ("a", "1")])
        self.assertEqual(got["InvalidParameters"], ["none", "a:7"])
        self.fails("ValidationException", VALUE % (
            "'[%s]' at 'names'" % ", ".join(["n"] * 11),
            "Member must have length less than or equal to 10"), "GetParameters", Names=["n"] * 11)

    def test_labels_name_versions(self):
        for value in ("1", "2", "3"):
            self.ssm.put("/l/a", value, Overwrite=True)
        self.ssm.put("/l/b", "other")
        got = self.ssm.LabelParameterVersion(Name="/l/a", ParameterVersion=2,
                                             Labels=["prod", "9x", "aws-x", "a b"])
        self.assertEqual(got, {"InvalidLabels": ["9x", "aws-x", "a b"], "ParameterVersion": 2})
        got = self.ssm.GetParameter(Name="/l/a:prod")["Parameter"]
        self.assertEqual((got["Value"], got["Version"], got["Selector"]), ("2", 2, ":prod"))
        # The newest without a version; a label moves.
        self.assertEqual(self.ssm.LabelParameterVersion(Name="/l/a", Labels=["prod", "next"])
                         ["ParameterVersion"], 3)
        self.assertEqual([p["Labels"] for p in self.ssm.GetParameterHistory(Name="/l/a")["Parameters"]],
                         [[], [], ["prod", "next"]])
        self.ssm.LabelParameterVersion(Name="/l/a", ParameterVersion=1, Labels=["old"])
        found = self.ssm.GetParametersByPath(Path="/l", ParameterFilters=[
            {"Key": "Label", "Values": ["old"]}])["Parameters"]
        self.assertEqual([(p["Name"], p["Value"]) for p in found], [("/l/a", "1")])
        got = self.ssm.UnlabelParameterVersion(Name="/l/a", ParameterVersion=3,
                                               Labels=["prod", "old", "none"])
        self.assertEqual(got, {"RemovedLabels": ["prod"], "InvalidLabels": ["old", "none"]})
        self.fails("ParameterVersionNotFound", "Systems Manager could not find version prod of /l/a. "
                   "Verify the version and try again.", "GetParameter", Name="/l/a:prod")
        self.fails("ParameterVersionNotFound", "Systems Manager could not find version 9 of /l/a. "
                   "Verify the version and try again.", "LabelParameterVersion", Name="/l/a",
                   ParameterVersion=9, Labels=["x"])
        self.fails("ParameterVersionLabelLimitExceeded", "A parameter version can have maximum 10 "
                   "labels.Move one or more labels to another version and try again.",
                   "LabelParameterVersion", Name="/l/a", ParameterVersion=1,
                   Labels=["l%d" % i for i in range(10)])
        # Gone with the parameter.
        self.ssm.DeleteParameter(Name="/l/a")
        self.ssm.put("/l/a", "new")
        self.assertEqual(self.ssm.GetParameterHistory(Name="/l/a")["Parameters"][0]["Labels"], [])

    def test_a_labelled_version_is_not_dropped(self):
        self.ssm.put("v", "1")
        self.ssm.LabelParameterVersion(Name="v", Labels=["keep"])
        for i in range(99):
            self.ssm.put("v", str(i), Overwrite=True)
        self.fails("ParameterMaxVersionLimitExceeded", "You attempted to create a new version of v by "
                   "calling the PutParameter API with the overwrite flag. Version 1, the oldest "
                   "version, can't be deleted because it has a label associated with it. Move the "
                   "label to another version of the parameter, and try again.", "PutParameter",
                   Name="v", Value="x", Overwrite=True)
        self.ssm.UnlabelParameterVersion(Name="v", ParameterVersion=1, Labels=["keep"])
        self.assertEqual(self.ssm.put("v", "x", Overwrite=True)["Version"], 101)

    def test_secure_strings_need_decryption(self):
        self.ssm.put("s", "secret", Type="SecureString")
        self.ssm.put("k", "secret", Type="SecureString", KeyId="alias/mine")
        self.assertEqual(self.ssm.GetParameter(Name="s", WithDecryption=True)["Parameter"]["Value"], "secret")
        self.assertEqual(self.ssm.GetParameter(Name="s")["Parameter"]["Value"], "kms:alias/aws/ssm:secret")
        self.assertEqual({p["Name"]: p["KeyId"] for p in self.ssm.DescribeParameters()["Parameters"]},
                         {"s": "alias/aws/ssm", "k": "alias/mine"})

    def test_history_has_every_version(self):
        for version in range(1, 106):
            self.ssm.put("h", "v%d" % version, Overwrite=version > 1, Description="d%d" % version)
        versions, token = [], {}
        while True:
            page = self.ssm.GetParameterHistory(Name="h", MaxResults=40, **token)
            versions += [(p["Version"], p["Value"], p["Description"]) for p in page["Parameters"]]
            if "NextToken" not in page:
                break
            token = {"NextToken": page["NextToken"]}
        self.assertEqual(versions, [(v, "v%d" % v, "d%d" % v) for v in range(6, 106)])
        self.ssm.put("other")
        self.fails("InvalidNextToken", "The specified token isn't valid.", "GetParameterHistory",
                   Name="other", **token)
        self.fails("ParameterNotFound", None, "GetParameterHistory", Name="none")

    # --- listing ---

    def test_paths_list_one_level_or_all(self):
        for name in ("/a/x", "/a/b/y", "/a/b/c/z", "/ab/w", "/top", "root"):
            self.ssm.put(name)
        for path, recursive, names in (
                ("/a", False, ["/a/x"]), ("/a/", False, ["/a/x"]),
                ("/a", True, ["/a/b/c/z", "/a/b/y", "/a/x"]), ("/a/b", False, ["/a/b/y"]),
                ("/", False, ["/top", "root"]), ("/none", True, []),
                ("/", True, ["/a/b/c/z", "/a/b/y", "/a/x", "/ab/w", "/top", "root"])):
            with self.subTest(path=path, recursive=recursive):
                got, _ = self.ssm.names("GetParametersByPath", Path=path, Recursive=recursive)
                self.assertEqual(got, names)
        with self.assertRaisesRegex(ApiError, 'The parameter name must begin with a forward slash "/"'):
            self.ssm.GetParametersByPath(Path="a")
        self.fails("ValidationException", VALUE % (
            "'11' at 'maxResults'", "Member must have value less than or equal to 10"),
            "GetParametersByPath", Path="/", MaxResults=11)

    def test_pages_join_without_gap_or_repeat(self):
        names = ["/p/%03d" % i for i in range(25)]
        for name in names:
            self.ssm.put(name)
        for most, pages in ((1, 25), (10, 3), (5, 5)):
            self.assertEqual(self.ssm.names("GetParametersByPath", Path="/p", MaxResults=most),
                             (names, pages))
        page = self.ssm.GetParametersByPath(Path="/p", MaxResults=3)
        self.ssm.DeleteParameter(Name="/p/002")  # the one at which the token points
        rest = self.ssm.GetParametersByPath(Path="/p", MaxResults=3, NextToken=page["NextToken"])
        self.assertEqual([p["Name"] for p in rest["Parameters"]], names[3:6])
        for token in ("x", page["NextToken"][:-4] + "AAAA"):
            self.fails("InvalidNextToken", "The specified token isn't valid.", "GetParametersByPath",
                       Path="/p", NextToken=token)
        self.fails("InvalidNextToken", "The specified token isn't valid.", "GetParametersByPath",
                   Path="/other", NextToken=page["NextToken"])

    def test_filters_choose(self):
        self.ssm.put("/f/string", Tags=[{"Key": "team", "Value": "blue"}])
        self.ssm.put("/f/list", "a,b", Type="StringList", Tags=[{"Key": "team", "Value": "green"}])
        self.ssm.put("/f/secret", Type="SecureString", Tier="Advanced")
        for key, option, values, names in (
                ("Type", None, ["String"], ["/f/string"]),
                ("Type", None, ["String", "SecureString"], ["/f/secret", "/f/string"]),
                ("Name", "BeginsWith", ["/f/s"], ["/f/secret", "/f/string"]),
                ("Name", "Contains", ["ist"], ["/f/list"]), ("Name", None, ["/f/list"], ["/f/list"]),
                ("Tier", "Equals", ["Advanced"], ["/f/secret"]),
                ("KeyId", "BeginsWith", ["alias/"], ["/f/secret"]),
                ("DataType", None, ["text"], ["/f/list", "/f/secret", "/f/string"]),
                ("Path", "OneLevel", ["/f"], ["/f/list", "/f/secret", "/f/string"]),
                ("Path", "Recursive", ["/none"], []), ("tag:team", None, ["blue"], ["/f/string"]),
                ("tag:team", None, None, ["/f/list", "/f/string"])):
            flt = {"Key": key, **({"Option": option} if option else {}),
                   **({"Values": values} if values else {})}
            with self.subTest(flt):
                self.assertEqual(self.ssm.names("DescribeParameters", ParameterFilters=[flt])[0], names)
        self.assertEqual(self.ssm.names("GetParametersByPath", Path="/f", ParameterFilters=[
            {"Key": "Type", "Values": ["StringList"]}])[0], ["/f/list"])
        self.assertEqual(self.ssm.names("GetParametersByPath", Path="/f", ParameterFilters=[
            {"Key": "Label", "Values": ["prod"]}])[0], [])
        self.assertEqual(self.ssm.names("DescribeParameters", Filters=[
            {"Key": "Name", "Values": ["/f/l"]}])[0], ["/f/list"])

    def test_filters_are_checked(self):
        one = {"Key": "Type", "Values": ["String"]}
        for action, filters, code, message in (
                ("GetParametersByPath", [{"Key": "Name", "Values": ["x"]}], "InvalidFilterKey",
                 "The following filter key is not valid: Name. Valid filter keys include: [Type, KeyId]."),
                ("DescribeParameters", [{"Key": "Label", "Values": ["x"]}], "InvalidFilterKey",
                 "The following filter key is not valid: Label. Valid filter keys include: [Path, Name, "
                 "Type, KeyId, Tier]."),
                ("DescribeParameters", [one, one], "InvalidFilterKey",
                 "The following filter is duplicated in the request: Type. A request can contain only one "
                 "occurrence of a specific filter."),
                ("DescribeParameters", [{"Key": "Name"}], "InvalidFilterValue",
                 "The following filter values are missing : null for filter key Name."),
                ("DescribeParameters", [{"Key": "Name", "Option": "Near", "Values": ["x"]}],
                 "InvalidFilterOption", "The following filter option is not valid: Near. Valid options "
                 "include: [BeginsWith, Equals, Contains]."),
                ("DescribeParameters", [{"Key": "Path", "Option": "[", "Values": ["/x"]}],
                 "InvalidFilterOption", "The following filter option is not valid: [. Valid options "
                 "include: [Recursive, OneLevel]."),
                ("DescribeParameters", [{"Key": "Colour", "Values": ["x"]}], "ValidationException", VALUE % (
                    "'Colour' at 'parameterFilters.1.member.key'", "Member must satisfy regular expression "
                    "pattern: tag:.+|Name|Type|KeyId|Path|Label|Tier|DataType"))):
            with self.subTest(filters):
                path = {"Path": "/"} if action == "GetParametersByPath" else {}
                self.fails(code, message, action, ParameterFilters=filters, **path)

    # --- deleting and tags ---

    def test_deleting_takes_history_and_tags_along(self):
        self.ssm.put("d", Tags=[{"Key": "k", "Value": "v"}])
        self.ssm.put("d", Overwrite=True)
        self.ssm.put("d2")
        self.assertEqual(self.ssm.DeleteParameters(Names=["d", "none"]),
                         {"DeletedParameters": ["d"], "InvalidParameters": ["none"]})
        self.fails("ParameterNotFound", None, "DeleteParameter", Name="d")
        self.assertEqual(self.ssm.put("d")["Version"], 1)
        self.assertEqual(len(self.ssm.GetParameterHistory(Name="d")["Parameters"]), 1)
        self.assertEqual(self.ssm.ListTagsForResource(ResourceType="Parameter", ResourceId="d"),
                         {"TagList": []})
        self.assertEqual(self.ssm.names("DescribeParameters")[0], ["d", "d2"])

    def test_tags_are_added_replaced_and_removed(self):
        self.ssm.put("t", Tags=[{"Key": "a", "Value": "1"}])
        ref = {"ResourceType": "Parameter", "ResourceId": "t"}
        self.ssm.AddTagsToResource(**ref, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": ""}])
        self.ssm.RemoveTagsFromResource(**ref, TagKeys=["none"])
        tags = {t["Key"]: t["Value"] for t in self.ssm.ListTagsForResource(**ref)["TagList"]}
        self.assertEqual(tags, {"a": "2", "b": ""})
        self.ssm.RemoveTagsFromResource(**ref, TagKeys=["a", "b"])
        self.assertEqual(self.ssm.ListTagsForResource(**ref), {"TagList": []})
        many = [{"Key": "k%d" % i, "Value": ""} for i in range(51)]
        with self.assertRaises(ApiError) as caught:
            self.ssm.AddTagsToResource(**ref, Tags=many)
        self.assertEqual(caught.exception.code, "TooManyTagsError")
        self.ssm.AddTagsToResource(**ref, Tags=many[:50])
        for kind, name in (("Parameter", "none"), ("Document", "t")):
            self.fails("InvalidResourceId", "The resource ID isn't valid. Verify that you entered the "
                       "correct ID and try again.", "ListTagsForResource", ResourceType=kind,
                       ResourceId=name)
        with self.assertRaisesRegex(ApiError, "tags and overwrite can't be used together"):
            self.ssm.put("t", Overwrite=True, Tags=[{"Key": "a", "Value": "1"}])

    # --- tenants and crashes ---

    def test_accounts_and_regions_see_their_own_only(self):
        self.ssm.put("mine", "1")
        for other in (Ssm(self.virga, account="999999999999"),
                      Ssm(self.virga, account=self.ssm.account, region="eu-west-1")):
            with self.assertRaises(ApiError):
                other.GetParameter(Name="mine")
            self.assertEqual(other.names("DescribeParameters")[0], [])
            other.put("mine", "2")
        self.assertEqual(self.ssm.GetParameter(Name="mine")["Parameter"]["Value"], "1")

    def test_answered_writes_and_tokens_survive_kill_9(self):
        for i in range(5):
            self.ssm.put("/k/%d" % i, "v%d" % i)
        page = self.ssm.GetParametersByPath(Path="/k", MaxResults=2)
        self.virga.kill9()
        self.virga.start()
        rest = self.ssm.GetParametersByPath(Path="/k", NextToken=page["NextToken"])
        self.assertEqual([p["Value"] for p in rest["Parameters"]], ["v2", "v3", "v4"])

    def test_unknown_actions_and_malformed_bodies(self):
        self.fails("UnknownOperationException", None, "GetNothing")
        for body in (b"{", b"[]", b'{"Name":"\\u0000"', b'{"a":1}x'):
            status, _, answer = self.ssm.raw("GetParameter", body)
            self.assertEqual((status, json.loads(answer)["__type"]), (400, "SerializationException"))


if __name__ == "__main__":
    unittest.main()
