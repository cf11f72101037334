# SPDX-License-Identifier: MIT
"""Functions out of templates: made, invoked, updated and removed, on this machine's OCI runtime."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from cloudformation import Cfn  # noqa: E402
from lambdaapi import LambdaError, url_request  # noqa: E402
from lambdacase import ROLE, OciCase  # noqa: E402
from lambdaimage import ARCH, LAMBDA_ARCH, function_image  # noqa: E402

TEMPLATE = """
Parameters:
  Image: {Type: String}
  Word: {Type: String, Default: one}
Resources:
  Fn:
    Type: AWS::Lambda::Function
    Properties:
      PackageType: Image
      Code: {ImageUri: !Ref Image}
      Role: %s
      Architectures: [%s]
      Timeout: '20'
      MemorySize: 256
      Environment: {Variables: {WORD: !Ref Word}}
  Version: {Type: AWS::Lambda::Version, Properties: {FunctionName: !Ref Fn}}
  Live:
    Type: AWS::Lambda::Alias
    Properties: {FunctionName: !Ref Fn, Name: live, FunctionVersion: !GetAtt Version.Version}
  Url:
    Type: AWS::Lambda::Url
    Properties: {TargetFunctionArn: !Ref Fn, AuthType: NONE}
  Allow:
    Type: AWS::Lambda::Permission
    Properties: {FunctionName: !Ref Fn, Action: 'lambda:InvokeFunctionUrl', Principal: '*', FunctionUrlAuthType: NONE}
  Retries:
    Type: AWS::Lambda::EventInvokeConfig
    Properties: {FunctionName: !Ref Fn, Qualifier: $LATEST, MaximumRetryAttempts: 0}
Outputs:
  Name: {Value: !Ref Fn}
  Arn: {Value: !GetAtt Fn.Arn}
  Alias: {Value: !Ref Live}
  Url: {Value: !GetAtt Url.FunctionUrl}
""" % (ROLE, LAMBDA_ARCH[ARCH])


# Of four runs of the whole suite under the sanitizers one had a stack's parameter put twice, and nobody knows why yet.
IN_WORK = "CloudFormation is in work: set VIRGA_TEST_CLOUDFORMATION=1 to run its integration tests"
in_work = unittest.skipUnless(os.environ.get("VIRGA_TEST_CLOUDFORMATION"), IN_WORK)


@in_work
class FunctionStack(OciCase):
    def outputs(self, cfn, name):
        _, root = cfn.call("DescribeStacks", StackName=name)
        return {o.findtext("OutputKey"): o.findtext("OutputValue") for o in root.iter("member")
                if o.find("OutputKey") is not None}

    def update(self, cfn, **values):
        pairs = {}
        for i, (key, value) in enumerate(values.items(), 1):
            pairs["Parameters.member.%d.ParameterKey" % i] = key
            pairs["Parameters.member.%d.ParameterValue" % i] = value
        status, root = cfn.call("UpdateStack", StackName="Fns", UsePreviousTemplate="true", **pairs)
        self.assertEqual(status, 200, root.findtext(".//Message"))

    def test_a_function_of_a_stack_runs_and_changes_with_it(self):
        cfn = Cfn(self.virga)
        status, root = cfn.call("CreateStack", StackName="Fns", TemplateBody=TEMPLATE, **{
            "Parameters.member.1.ParameterKey": "Image", "Parameters.member.1.ParameterValue": self.uri})
        self.assertEqual(status, 200, root.findtext(".//Message"))
        cfn.wait("Fns", "CREATE_COMPLETE")
        out = self.outputs(cfn, "Fns")
        self.assertRegex(out["Name"], r"^Fns-Fn-[A-Z0-9]{12}$")
        self.assertTrue(out["Alias"].endswith(":live"))
        config = self.api.GetFunctionConfiguration(FunctionName=out["Name"])
        self.assertEqual((config["State"], config["Timeout"], config["MemorySize"],
                          config["Environment"]["Variables"]), ("Active", 20, 256, {"WORD": "one"}))
        answer = self.api.invoke(out["Name"], {"x": 1}, qualifier="live")
        self.assertEqual((answer.status, answer.error), (200, None), answer)
        conn, res = url_request(self.virga, out["Url"])
        self.assertEqual(res.status, 200)
        conn.close()

        other = self.push(function_image("another image"))
        self.update(cfn, Image=other, Word="two")
        cfn.wait("Fns", "UPDATE_COMPLETE")
        config = self.api.GetFunction(FunctionName=out["Name"])
        self.assertEqual(config["Code"]["ImageUri"], other)
        self.assertEqual(config["Configuration"]["Environment"]["Variables"], {"WORD": "two"})
        self.assertEqual(self.outputs(cfn, "Fns")["Name"], out["Name"])

        self.update(cfn, Image=other + "-nowhere", Word="three")
        cfn.wait("Fns", "UPDATE_ROLLBACK_COMPLETE")
        config = self.api.GetFunction(FunctionName=out["Name"])
        self.assertEqual(config["Code"]["ImageUri"], other)
        self.assertEqual(config["Configuration"]["Environment"]["Variables"], {"WORD": "two"})

        arn = cfn.text("DescribeStacks", "StackId", StackName="Fns")
        cfn.call("DeleteStack", StackName=arn)
        cfn.wait(arn, "DELETE_COMPLETE")
        with self.assertRaises(LambdaError) as caught:
            self.api.GetFunction(FunctionName=out["Name"])
        self.assertEqual(caught.exception.status, 404)


if __name__ == "__main__":
    unittest.main()
