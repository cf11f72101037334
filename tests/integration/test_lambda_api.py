# SPDX-License-Identifier: MIT
"""The Lambda API's functions, versions and what belongs to them. Nothing is invoked here."""
import json
import time
import unittest
import urllib.parse

from lambdaapi import Lambda
from lambdacase import ROLE, OciCase
from lambdaimage import ARCH, LAMBDA_ARCH, function_image, hash_of

NAME_PATTERN = (r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?"
                r"(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?")
UUID = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$"
INVALID, MISSING, VALIDATION = "InvalidParameterValueException", "ResourceNotFoundException", "ValidationException"
CONFLICT = "ResourceConflictException"


def constraint(value, member, text):
    return ("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must satisfy regular "
            "expression pattern: %s" % (value, member, text))


class Functions(OciCase):
    """Source: AWS-recorded answers (the snapshots of LocalStack's tests against AWS)."""

    def no_function(self, name, qualifier=None):
        return "Function not found: " + self.api.arn(name, qualifier)

    # --- create, get, list, delete ---

    def test_create_answers_pending_and_everything_that_aws_tells(self):
        name = self.name()
        self.made.append(name)
        status, _, body = self.api.answer("CreateFunction", {
            "FunctionName": name, "PackageType": "Image", "Code": {"ImageUri": self.uri}, "Role": ROLE,
            "Architectures": [LAMBDA_ARCH[ARCH]]})
        self.assertEqual(status, 201, body)
        made = json.loads(body)
        self.assertRegex(made.pop("LastModified"), TIME)
        self.assertRegex(made.pop("RevisionId"), UUID)
        self.assertIsInstance(made.pop("CodeSize"), int)
        self.assertEqual(made, {
            "FunctionName": name, "FunctionArn": self.api.arn(name), "Role": ROLE, "Description": "", "Timeout": 3,
            "MemorySize": 128, "CodeSha256": hash_of(function_image("shared")), "Version": "$LATEST",
            "TracingConfig": {"Mode": "PassThrough"}, "State": "Pending", "StateReason": "The function is being created.",
            "StateReasonCode": "Creating", "PackageType": "Image", "Architectures": [LAMBDA_ARCH[ARCH]],
            "EphemeralStorage": {"Size": 512}, "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
            "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/" + name}})
        found = self.wait_active(name)
        self.assertEqual(found["LastUpdateStatus"], "Successful")
        self.assertNotIn("StateReason", found)
        self.assertNotIn("StateReasonCode", found)

    def test_get_function_shows_the_image_as_given_and_resolved(self):
        name = self.create(Tags={"team": "rain"})
        found = self.api.GetFunction(FunctionName=name)
        self.assertEqual(found["Code"], {
            "RepositoryType": "ECR", "ImageUri": self.uri,
            "ResolvedImageUri": self.uri.rsplit(":", 1)[0] + "@" + function_image("shared").digest})
        self.assertEqual(found["Tags"], {"team": "rain"})
        self.assertNotIn("Concurrency", found)
        self.assertEqual(found["Configuration"], self.api.GetFunctionConfiguration(FunctionName=name))

    def test_all_forms_of_a_name_mean_the_same(self):
        name = self.create()
        self.api.PublishVersion(FunctionName=name)
        for form, qualifier in ((name, None), ("000000000000:function:" + name, None), (self.api.arn(name), None),
                                (name + ":$LATEST", "$LATEST"), (self.api.arn(name, "1"), "1"),
                                ("000000000000:function:%s:1" % name, "1")):
            with self.subTest(form):
                found = self.api.GetFunctionConfiguration(FunctionName=form)
                self.assertEqual(found["FunctionArn"], self.api.arn(name, qualifier))
        self.assertEqual(self.api.GetFunctionConfiguration(FunctionName=name, Qualifier="1")["Version"], "1")
        self.assert_error(400, INVALID,
                          "The derived qualifier from the function name does not match the specified qualifier.",
                          self.api.GetFunction, FunctionName=name + ":1", Qualifier="2")

    def test_names_that_are_none(self):
        get = self.api.GetFunction
        for name in ("*", "my-function!", "f:1:2", "f:$LATES"):
            with self.subTest(name):
                self.assert_error(400, VALIDATION, constraint(name, "functionName", NAME_PATTERN), get, FunctionName=name)
        self.assert_error(400, VALIDATION, constraint("bad!", "qualifier", r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"),
                          get, FunctionName="f", Qualifier="bad!")
        self.assert_error(404, MISSING, "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
                          get, FunctionName="arn:aws:lambda:eu-west-1:000000000000:function:f")
        self.assert_error(403, "AccessDeniedException", None, get,
                          FunctionName="arn:aws:lambda:us-east-1:111111111111:function:f")
        self.assert_error(404, MISSING, self.no_function("f" * 65), get, FunctionName="f" * 65)

    def test_absent_functions(self):
        for action in ("GetFunction", "GetFunctionConfiguration", "DeleteFunction", "GetFunctionConcurrency"):
            with self.subTest(action):
                error = self.assert_error(404, MISSING, self.no_function("nobody"), getattr(self.api, action),
                                          FunctionName="nobody")
                self.assertEqual(error.body, {"Type": "User", "Message": self.no_function("nobody")})
        self.assert_error(404, MISSING, self.no_function("nobody", "$LATEST"), self.api.invoke, "nobody", 1)
        self.assert_error(404, MISSING, self.no_function("nobody", "$LATEST"), self.api.PutFunctionConcurrency,
                          FunctionName="nobody", ReservedConcurrentExecutions=1)
        for action in ("GetPolicy", "GetFunctionUrlConfig"):
            self.assert_error(404, MISSING, "The resource you requested does not exist.", getattr(self.api, action),
                              FunctionName="nobody")
        name = self.create()
        for qualifier in ("7", "nope"):
            self.assert_error(404, MISSING, self.no_function(name, qualifier), self.api.GetFunction, FunctionName=name,
                              Qualifier=qualifier)
            self.assert_error(404, MISSING, self.no_function(name, qualifier), self.api.invoke, name, 1,
                              qualifier=qualifier)

    def test_a_name_is_taken_once_for_each_account_and_region(self):
        name = self.create()
        error = self.assert_error(409, CONFLICT, "Function already exist: " + name, self.api.CreateFunction,
                                  **self.parameters(name, self.uri))
        self.assertEqual(error.type, "User")
        other = Lambda(self.virga, region="eu-central-1")
        self.assertEqual(other.ListFunctions(), {"Functions": []})
        self.assert_error(404, MISSING, "Function not found: " + other.arn(name), other.GetFunction, FunctionName=name)

    def test_what_create_refuses(self):
        cases = (
            (400, INVALID, "Please don't provide Handler or Runtime or Layer when the intended function PackageType is "
             "Image.", {"Handler": "a.b"}),
            (400, VALIDATION, constraint("", "handler", r"[^\s]+"), {"Handler": ""}),
            (400, VALIDATION, constraint("r1", "role", r"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"),
             {"Role": "r1"}),
            (400, VALIDATION, "1 validation error detected: Value '[x86_64, arm64]' at 'architectures' failed to satisfy "
             "constraint: Member must have length less than or equal to 1", {"Architectures": ["x86_64", "arm64"]}),
            (400, VALIDATION, "1 validation error detected: Value '[X86_64]' at 'architectures' failed to satisfy "
             "constraint: Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member "
             "must not be null]", {"Architectures": ["X86_64"]}),
            (400, VALIDATION, "1 validation error detected: Value '10241' at 'ephemeralStorage.size' failed to satisfy "
             "constraint: Member must have value less than or equal to 10240", {"EphemeralStorage": {"Size": 10241}}),
            (400, INVALID, "1 validation error detected: Value '%s' at 'functionName' failed to satisfy constraint: "
             "Member must have length less than or equal to 64" % ("f" * 65), {"FunctionName": "f" * 65}),
            (400, INVALID, "Please provide a source for function code.",
             {"PackageType": "Zip", "Code": {}, "Runtime": "nodejs22.x", "Handler": "a.b"}),
            (400, INVALID, None, {"Code": {}}),
        )
        for status, code, message, change in cases:
            with self.subTest(change):
                self.assert_error(status, code, message, self.api.CreateFunction,
                                  **{**self.parameters("refused", self.uri), **change})
        large = {"VIRGA": "x" * 4096}
        error = self.assert_error(400, INVALID, None, self.api.CreateFunction,
                                  **{**self.parameters("refused", self.uri), "Environment": {"Variables": large}})
        self.assertTrue(error.message.startswith(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided exceeded the 4KB limit. String measured: {\"VIRGA\":\"xxx"), error.message)
        self.assert_error(404, MISSING, None, self.api.GetFunction, FunctionName="refused")

    def test_zip_functions_are_refused_with_the_reason(self):
        error = self.assert_error(400, INVALID, None, self.api.CreateFunction, FunctionName="zipped", Role=ROLE,
                                  Runtime="nodejs22.x", Handler="a.b", Code={"ZipFile": "UEsFBgAAAAA="})
        self.assertIn("Image", error.message)

    def test_delete(self):
        name = self.create()
        status, headers, body = self.api.answer("DeleteFunction", {"FunctionName": name})
        self.assertEqual((status, body), (204, b""))
        self.assert_error(404, MISSING, self.no_function(name), self.api.DeleteFunction, FunctionName=name)
        # The name is free again, and its numbers begin anew.
        name = self.create()
        self.assertEqual(self.api.PublishVersion(FunctionName=name)["Version"], "1")

    def test_delete_of_versions(self):
        name = self.create()
        self.api.PublishVersion(FunctionName=name)
        self.assert_error(400, INVALID, "$LATEST version cannot be deleted without deleting the function.",
                          self.api.DeleteFunction, FunctionName=name, Qualifier="$LATEST")
        self.api.CreateAlias(FunctionName=name, Name="live", FunctionVersion="1")
        self.assert_error(409, CONFLICT, "Unable to delete version because the following aliases reference it: [live]",
                          self.api.DeleteFunction, FunctionName=name, Qualifier="1")
        self.api.DeleteAlias(FunctionName=name, Name="live")
        for _ in range(2):
            self.assertEqual(self.api.answer("DeleteFunction", {"FunctionName": name, "Qualifier": "1"})[0], 204)
        self.assert_error(404, MISSING, self.no_function(name, "1"), self.api.GetFunction, FunctionName=name, Qualifier="1")

    def test_list_functions_in_pages_without_states(self):
        api = Lambda(self.virga, region="us-east-1")
        names = sorted(self.create("-%d" % i, wait=False) for i in range(5))
        for name in names:
            self.wait_active(name)
        found, marker = [], {}
        while True:
            page = api.ListFunctions(MaxItems=2, **marker)
            self.assertLessEqual(len(page["Functions"]), 2)
            found += page["Functions"]
            if "NextMarker" not in page:
                break
            marker = {"Marker": page["NextMarker"]}
        mine = [f for f in found if f["FunctionName"] in names]
        self.assertEqual([f["FunctionName"] for f in mine], names)
        self.assertEqual(mine[0]["FunctionArn"], api.arn(names[0]))
        for member in ("State", "StateReason", "StateReasonCode", "LastUpdateStatus"):
            self.assertNotIn(member, mine[0])
        self.assert_error(400, INVALID, None, api.ListFunctions, Marker="made up")
        self.api.PublishVersion(FunctionName=names[0])
        arns = [f["FunctionArn"] for f in api.ListFunctions(FunctionVersion="ALL")["Functions"]]
        self.assertIn(api.arn(names[0], "$LATEST"), arns)
        self.assertIn(api.arn(names[0], "1"), arns)
        self.assert_error(400, VALIDATION, "1 validation error detected: Value 'invalid' at 'functionVersion' failed to "
                          "satisfy constraint: Member must satisfy enum value set: [ALL]", api.ListFunctions,
                          FunctionVersion="invalid")

    # --- updates and versions ---

    def test_update_configuration(self):
        name = self.create()
        before = self.api.GetFunctionConfiguration(FunctionName=name)
        answer = self.api.UpdateFunctionConfiguration(
            FunctionName=name, Description="wet", MemorySize=256, Timeout=7, EphemeralStorage={"Size": 1024},
            ImageConfig={"Command": ["x"], "EntryPoint": ["/bootstrap"], "WorkingDirectory": "/tmp"},
            Environment={"Variables": {"AA": "1"}})
        self.assertEqual((answer["State"], answer["LastUpdateStatus"], answer["LastUpdateStatusReason"],
                          answer["LastUpdateStatusReasonCode"]),
                         ("Active", "InProgress", "The function is being created.", "Creating"))
        after = self.wait_updated(name)
        self.assertEqual((after["Description"], after["MemorySize"], after["Timeout"], after["EphemeralStorage"],
                          after["Environment"]), ("wet", 256, 7, {"Size": 1024}, {"Variables": {"AA": "1"}}))
        self.assertEqual(after["ImageConfigResponse"], {"ImageConfig": {
            "Command": ["x"], "EntryPoint": ["/bootstrap"], "WorkingDirectory": "/tmp"}})
        self.assertNotEqual(after["RevisionId"], before["RevisionId"])
        self.assertEqual(after["CodeSha256"], before["CodeSha256"])
        self.api.UpdateFunctionConfiguration(FunctionName=name, ImageConfig={})
        after = self.wait_updated(name)
        self.assertNotIn("ImageConfigResponse", after)
        self.assertEqual(after["Timeout"], 7)

    def test_a_stale_revision_id_changes_nothing(self):
        name = self.create()
        message = ("The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to "
                   "retrieve the latest Revision Id")
        stale = "00000000-0000-0000-0000-000000000000"
        for action, change in (("UpdateFunctionConfiguration", {"Timeout": 9}),
                               ("UpdateFunctionCode", {"ImageUri": self.uri}), ("PublishVersion", {})):
            with self.subTest(action):
                self.assert_error(412, "PreconditionFailedException", message, getattr(self.api, action),
                                  FunctionName=name, RevisionId=stale, **change)
        fresh = self.api.GetFunctionConfiguration(FunctionName=name)
        self.assertEqual(fresh["Timeout"], 20)
        self.api.UpdateFunctionConfiguration(FunctionName=name, Timeout=9, RevisionId=fresh["RevisionId"])
        self.assertEqual(self.wait_updated(name)["Timeout"], 9)

    def test_update_code_refuses_a_zip(self):
        name = self.create()
        self.assert_error(400, INVALID, "Please provide ImageUri when updating a function with packageType Image.",
                          self.api.UpdateFunctionCode, FunctionName=name, ZipFile="UEsFBgAAAAA=")

    def test_versions_are_what_was_published(self):
        name = self.create(Description="first")
        one = self.api.PublishVersion(FunctionName=name, Description="one")
        self.assertEqual((one["Version"], one["FunctionArn"], one["Description"], one["State"]),
                         ("1", self.api.arn(name, "1"), "one", "Active"))
        # Nothing has changed, so that nothing is published.
        self.assertEqual(self.api.PublishVersion(FunctionName=name)["Version"], "1")
        self.api.UpdateFunctionConfiguration(FunctionName=name, Timeout=11)
        self.wait_updated(name)
        two = self.api.PublishVersion(FunctionName=name)
        self.assertEqual((two["Version"], two["Timeout"]), ("2", 11))
        self.assertEqual(self.api.GetFunctionConfiguration(FunctionName=name, Qualifier="1")["Timeout"], 20)
        listed = self.api.ListVersionsByFunction(FunctionName=name)["Versions"]
        self.assertEqual([v["Version"] for v in listed], ["$LATEST", "1", "2"])
        self.assertEqual(listed[0]["FunctionArn"], self.api.arn(name, "$LATEST"))
        self.assertNotIn("State", listed[1])
        current = listed[0]["CodeSha256"]
        self.assert_error(400, INVALID, "CodeSHA256 (bad) is different from current CodeSHA256 in $LATEST (%s). Please "
                          "try again with the CodeSHA256 in $LATEST." % current, self.api.PublishVersion,
                          FunctionName=name, CodeSha256="bad")

    def test_create_with_publish_has_a_version(self):
        name = self.name()
        self.made.append(name)
        made = self.api.CreateFunction(**self.parameters(name, self.uri, Publish=True))
        self.assertEqual((made["Version"], made["FunctionArn"]), ("1", self.api.arn(name)))
        self.wait_active(name)
        self.assertEqual([v["Version"] for v in self.api.ListVersionsByFunction(FunctionName=name)["Versions"]],
                         ["$LATEST", "1"])

    # --- aliases ---

    def test_aliases(self):
        name = self.create()
        self.api.PublishVersion(FunctionName=name)
        self.api.UpdateFunctionConfiguration(FunctionName=name, Timeout=9)
        self.wait_updated(name)
        self.api.PublishVersion(FunctionName=name)
        made = self.api.CreateAlias(FunctionName=name, Name="live", FunctionVersion="1", Description="d")
        self.assertRegex(made.pop("RevisionId"), UUID)
        self.assertEqual(made, {"AliasArn": self.api.arn(name, "live"), "Name": "live", "FunctionVersion": "1",
                                "Description": "d"})
        found = self.api.GetFunctionConfiguration(FunctionName=name, Qualifier="live")
        self.assertEqual((found["FunctionArn"], found["Version"]), (self.api.arn(name, "live"), "1"))
        routing = {"AdditionalVersionWeights": {"2": 0.25}}
        changed = self.api.UpdateAlias(FunctionName=name, Name="live", RoutingConfig=routing)
        self.assertEqual((changed["RoutingConfig"], changed["Description"]), (routing, "d"))
        self.assertEqual(self.api.GetAlias(FunctionName=name, Name="live"), changed)
        self.api.CreateAlias(FunctionName=name, Name="test", FunctionVersion="2")
        listed = self.api.ListAliases(FunctionName=name)["Aliases"]
        self.assertEqual([a["Name"] for a in listed], ["live", "test"])
        self.assertEqual([a["Name"] for a in self.api.ListAliases(FunctionName=name, FunctionVersion="2")["Aliases"]],
                         ["test"])
        for _ in range(2):
            self.assertEqual(self.api.answer("DeleteAlias", {"FunctionName": name, "Name": "test"})[0], 204)

    def test_what_aliases_refuse(self):
        name = self.create()
        self.api.PublishVersion(FunctionName=name)
        create = self.api.CreateAlias
        create(FunctionName=name, Name="live", FunctionVersion="1")
        self.assert_error(409, CONFLICT, "Alias already exists: " + self.api.arn(name, "live"), create, FunctionName=name,
                          Name="live", FunctionVersion="1")
        self.assert_error(404, MISSING, self.no_function(name, "9"), create, FunctionName=name, Name="a",
                          FunctionVersion="9")
        self.assert_error(400, VALIDATION, constraint("2024", "name", r"(?!^[0-9]+$)([a-zA-Z0-9-_]+)"), create,
                          FunctionName=name, Name="2024", FunctionVersion="1")
        self.assert_error(404, MISSING, "Cannot find alias arn: " + self.api.arn(name, "nope"), self.api.GetAlias,
                          FunctionName=name, Name="nope")
        self.assert_error(404, MISSING, "Alias not found: " + self.api.arn(name, "nope"), self.api.UpdateAlias,
                          FunctionName=name, Name="nope", FunctionVersion="1")

        def routed(version, weights):
            return {"FunctionName": name, "Name": "a", "FunctionVersion": version,
                    "RoutingConfig": {"AdditionalVersionWeights": weights}}
        self.assert_error(400, INVALID, "Number of items in AdditionalVersionWeights cannot be greater than 1", create,
                          **routed("1", {"2": 0.1, "3": 0.1}))
        self.assert_error(400, INVALID, "Invalid function version 1. Function version 1 is already included in routing "
                          "configuration.", create, **routed("1", {"1": 0.5}))
        self.assert_error(400, INVALID, "$LATEST is not supported for an alias pointing to more than 1 version", create,
                          **routed("$LATEST", {"1": 0.5}))
        self.assert_error(400, VALIDATION, None, create, **routed("1", {"2": 2.0}))

    # --- permissions ---

    def test_permissions(self):
        name = self.create()
        said = self.api.AddPermission(FunctionName=name, StatementId="s3", Action="lambda:InvokeFunction",
                                      Principal="s3.amazonaws.com", SourceArn="arn:aws:s3:::bucket",
                                      SourceAccount="000000000000")
        statement = json.loads(said["Statement"])
        self.assertEqual(statement, {
            "Sid": "s3", "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "lambda:InvokeFunction", "Resource": self.api.arn(name),
            "Condition": {"StringEquals": {"AWS:SourceAccount": "000000000000"},
                          "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::bucket"}}})
        found = self.api.GetPolicy(FunctionName=name)
        self.assertRegex(found["RevisionId"], UUID)
        policy = json.loads(found["Policy"])
        self.assertEqual((policy["Version"], policy["Id"], policy["Statement"]), ("2012-10-17", "default", [statement]))
        self.assert_error(409, CONFLICT, "The statement id (s3) provided already exists. Please provide a new statement "
                          "id, or remove the existing statement.", self.api.AddPermission, FunctionName=name,
                          StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com")
        self.assert_error(400, INVALID, "We currently do not support adding policies for $LATEST.", self.api.AddPermission,
                          FunctionName=name, StatementId="x", Action="lambda:InvokeFunction",
                          Principal="s3.amazonaws.com", Qualifier="$LATEST")
        self.assert_error(404, MISSING, "Statement nope is not found in resource policy.", self.api.RemovePermission,
                          FunctionName=name, StatementId="nope")
        self.assertEqual(self.api.answer("RemovePermission", {"FunctionName": name, "StatementId": "s3"})[0], 204)
        self.assert_error(404, MISSING, "The resource you requested does not exist.", self.api.GetPolicy,
                          FunctionName=name)

    # --- concurrency, asynchronous invocation, tags, URLs ---

    def test_concurrency(self):
        name = self.create()
        self.assertEqual(self.api.GetFunctionConcurrency(FunctionName=name), {})
        self.assertEqual(self.api.PutFunctionConcurrency(FunctionName=name, ReservedConcurrentExecutions=5),
                         {"ReservedConcurrentExecutions": 5})
        self.assertEqual(self.api.GetFunctionConcurrency(FunctionName=name), {"ReservedConcurrentExecutions": 5})
        self.assertEqual(self.api.GetFunction(FunctionName=name)["Concurrency"], {"ReservedConcurrentExecutions": 5})
        limit = self.api.GetAccountSettings()["AccountLimit"]
        self.assertEqual(limit["UnreservedConcurrentExecutions"], limit["ConcurrentExecutions"] - 5)
        self.assert_error(400, INVALID, "This operation is permitted on Lambda functions only. Aliases and versions do not "
                          "support this operation. Please specify either a function name or an unqualified function "
                          "ARN.", self.api.PutFunctionConcurrency, FunctionName=self.api.arn(name, "1"),
                          ReservedConcurrentExecutions=1)
        error = self.assert_error(400, INVALID, None, self.api.PutFunctionConcurrency, FunctionName=name,
                                  ReservedConcurrentExecutions=1000000)
        self.assertRegex(error.message, r"^Specified ReservedConcurrentExecutions for function decreases account's "
                         r"UnreservedConcurrentExecution below its minimum value of \[\d+\]\.$")
        self.assertIsNone(error.type)
        self.assertEqual(self.api.answer("DeleteFunctionConcurrency", {"FunctionName": name})[0], 204)
        self.assertEqual(self.api.GetFunctionConcurrency(FunctionName=name), {})

    def test_event_invoke_config(self):
        name = self.create()
        missing = "The function %s doesn't have an EventInvokeConfig" % self.api.arn(name, "$LATEST")
        self.assert_error(404, MISSING, missing, self.api.GetFunctionEventInvokeConfig, FunctionName=name)
        self.assert_error(400, INVALID, "You must specify at least one of error handling or destination setting.",
                          self.api.PutFunctionEventInvokeConfig, FunctionName=name)
        self.assert_error(404, MISSING, "The function doesn't exist.", self.api.PutFunctionEventInvokeConfig,
                          FunctionName="nobody", MaximumRetryAttempts=1)
        self.assert_error(400, INVALID, "You can't specify the function as a destination for itself.",
                          self.api.PutFunctionEventInvokeConfig, FunctionName=name,
                          DestinationConfig={"OnSuccess": {"Destination": self.api.arn(name)}})
        made = self.api.PutFunctionEventInvokeConfig(FunctionName=name, MaximumRetryAttempts=1)
        self.assertEqual((made["FunctionArn"], made["MaximumRetryAttempts"]), (self.api.arn(name, "$LATEST"), 1))
        self.assertAlmostEqual(made["LastModified"], time.time(), delta=120)
        changed = self.api.UpdateFunctionEventInvokeConfig(FunctionName=name, MaximumEventAgeInSeconds=60)
        self.assertEqual((changed["MaximumRetryAttempts"], changed["MaximumEventAgeInSeconds"]), (1, 60))
        # Put replaces the whole.
        again = self.api.PutFunctionEventInvokeConfig(FunctionName=name, MaximumEventAgeInSeconds=90)
        self.assertNotIn("MaximumRetryAttempts", again)
        self.assertEqual(len(self.api.ListFunctionEventInvokeConfigs(FunctionName=name)["FunctionEventInvokeConfigs"]), 1)
        self.assertEqual(self.api.answer("DeleteFunctionEventInvokeConfig", {"FunctionName": name})[0], 204)
        self.assert_error(404, MISSING, missing, self.api.GetFunctionEventInvokeConfig, FunctionName=name)

    def test_tags(self):
        name = self.create()
        arn = self.api.arn(name)
        self.assertEqual(self.api.ListTags(Resource=arn), {"Tags": {}})
        self.assertEqual(self.api.answer("TagResource", {"Resource": arn, "Tags": {"a": "1", "b": "2"}})[0], 204)
        self.assertEqual(self.api.answer("UntagResource", {"Resource": arn, "tagKeys": ["a", "zzz"]})[0], 204)
        self.assertEqual(self.api.ListTags(Resource=arn), {"Tags": {"b": "2"}})
        self.assertEqual(self.api.GetFunction(FunctionName=name)["Tags"], {"b": "2"})
        self.assert_error(400, INVALID, "Tags on function aliases and versions are not supported. Please specify a "
                          "function ARN.", self.api.ListTags, Resource=arn + ":1")
        self.assert_error(400, INVALID, "Number of tags exceeds resource tag limit.", self.api.TagResource, Resource=arn,
                          Tags={"k%d" % i: "v" for i in range(51)})
        self.assert_error(400, INVALID, "An error occurred and the request cannot be processed.", self.api.TagResource,
                          Resource=arn, Tags={})
        self.assert_error(400, VALIDATION, "1 validation error detected: Value null at 'tagKeys' failed to satisfy "
                          "constraint: Member must not be null", self.api.UntagResource, Resource=arn)
        self.assert_error(404, MISSING, self.no_function("nobody"), self.api.ListTags, Resource=self.api.arn("nobody"))

    def test_function_url_config(self):
        name = self.create()
        gone = "The resource you requested does not exist."
        self.assert_error(404, MISSING, gone, self.api.GetFunctionUrlConfig, FunctionName=name)
        made = self.api.CreateFunctionUrlConfig(FunctionName=name, AuthType="NONE")
        host = urllib.parse.urlsplit(made["FunctionUrl"]).netloc
        self.assertRegex(host, r"^[a-z0-9]+\.lambda-url\.us-east-1\.localhost:%d$" % self.virga.port)
        self.assertEqual((made["AuthType"], made["FunctionArn"]), ("NONE", self.api.arn(name)))
        self.assertNotIn("InvokeMode", made)
        self.assert_error(409, CONFLICT, "Failed to create function url config for [functionArn = %s]. Error message:  "
                          "FunctionUrlConfig exists for this Lambda function" % self.api.arn(name),
                          self.api.CreateFunctionUrlConfig, FunctionName=name, AuthType="NONE")
        found = self.api.GetFunctionUrlConfig(FunctionName=name)
        self.assertEqual((found["InvokeMode"], found["FunctionUrl"]), ("BUFFERED", made["FunctionUrl"]))
        self.assertIn("LastModifiedTime", found)
        cors = {"AllowOrigins": ["https://example.com"], "MaxAge": 60}
        changed = self.api.UpdateFunctionUrlConfig(FunctionName=name, InvokeMode="RESPONSE_STREAM", Cors=cors)
        self.assertEqual((changed["InvokeMode"], changed["Cors"]), ("RESPONSE_STREAM", cors))
        self.assertEqual(len(self.api.ListFunctionUrlConfigs(FunctionName=name)["FunctionUrlConfigs"]), 1)
        self.assert_error(400, VALIDATION, constraint("1", "qualifier", r"((?!^\d+$)^[0-9a-zA-Z-_]+$)"),
                          self.api.CreateFunctionUrlConfig, FunctionName=name, AuthType="NONE", Qualifier="1")
        self.assert_error(404, MISSING, "Function does not exist", self.api.CreateFunctionUrlConfig, FunctionName="nobody",
                          AuthType="NONE")
        self.assertEqual(self.api.answer("DeleteFunctionUrlConfig", {"FunctionName": name})[0], 204)
        self.assert_error(404, MISSING, gone, self.api.GetFunctionUrlConfig, FunctionName=name)

    # --- what Terraform and CDK ask for ---

    def test_answers_that_tools_expect(self):
        name = self.create()
        self.assertEqual(self.api.GetFunctionCodeSigningConfig(FunctionName=name), {})
        runtime = self.api.GetRuntimeManagementConfig(FunctionName=name)
        self.assertEqual(runtime["UpdateRuntimeOn"], "Auto")
        self.assertEqual(self.api.GetFunctionRecursionConfig(FunctionName=name), {"RecursiveLoop": "Terminate"})
        self.api.PutFunctionRecursionConfig(FunctionName=name, RecursiveLoop="Allow")
        self.assertEqual(self.api.GetFunctionRecursionConfig(FunctionName=name), {"RecursiveLoop": "Allow"})
        self.assert_error(400, VALIDATION, "1 validation error detected: Value 'InvalidValue' at 'recursiveLoop' failed to "
                          "satisfy constraint: Member must satisfy enum value set: [Terminate, Allow]",
                          self.api.PutFunctionRecursionConfig, FunctionName=name, RecursiveLoop="InvalidValue")
        settings = self.api.GetAccountSettings()
        self.assertLessEqual({"CodeSizeUnzipped", "CodeSizeZipped", "ConcurrentExecutions", "TotalCodeSize",
                              "UnreservedConcurrentExecutions"}, set(settings["AccountLimit"]))
        self.assertGreaterEqual(settings["AccountUsage"]["FunctionCount"], 1)

    def test_everything_of_a_function_goes_with_it(self):
        name = self.create(Tags={"a": "b"})
        self.api.PublishVersion(FunctionName=name)
        self.api.CreateAlias(FunctionName=name, Name="live", FunctionVersion="1")
        self.api.PutFunctionConcurrency(FunctionName=name, ReservedConcurrentExecutions=1)
        self.api.CreateFunctionUrlConfig(FunctionName=name, AuthType="NONE")
        self.api.AddPermission(FunctionName=name, StatementId="s", Action="lambda:InvokeFunction",
                               Principal="s3.amazonaws.com")
        self.api.DeleteFunction(FunctionName=name)
        name = self.create()
        found = self.api.GetFunction(FunctionName=name)
        self.assertNotIn("Tags", found)
        self.assertNotIn("Concurrency", found)
        self.assertEqual(self.api.ListAliases(FunctionName=name)["Aliases"], [])
        self.assertEqual(len(self.api.ListVersionsByFunction(FunctionName=name)["Versions"]), 1)
        for action in ("GetPolicy", "GetFunctionUrlConfig"):
            self.assert_error(404, MISSING, "The resource you requested does not exist.", getattr(self.api, action),
                              FunctionName=name)

    def test_functions_survive_a_restart(self):
        name = self.create()
        self.api.PublishVersion(FunctionName=name)
        self.api.CreateAlias(FunctionName=name, Name="live", FunctionVersion="1")
        before = self.api.GetFunction(FunctionName=name)
        type(self).virga.restart()
        self.assertEqual(self.api.GetFunction(FunctionName=name), before)
        self.assertEqual(self.api.GetAlias(FunctionName=name, Name="live")["FunctionVersion"], "1")
        self.assertEqual(self.api.invoke(name, {"do": "raw 1"}, qualifier="live").payload, b"1")


if __name__ == "__main__":
    unittest.main()
